//! Clients that call until told to stop, and expect every call to be answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use crate::answers::Answer;
use crate::caller::{Ask, Caller, Credential};
use crate::home::COMPANY;
use crate::node::{Node, PATIENCE};

/// Clients at once.
const CLIENTS: usize = 4;

/// Clients that call until told to stop, each call on a connection of its own.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    answers: Receiver<Answer>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// Begins. The calls are the bank's, for a company.
    pub(crate) fn start(node: &Node, bank: &Credential) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (tell, answers) = channel();
        let clients = (0..CLIENTS).map(|_| {
            let (stop, tell, bank, gateway) = (Arc::clone(&stop), tell.clone(), bank.clone(), node.data);
            std::thread::spawn(move || {
                let caller = Caller::without_pool(gateway);
                while !stop.load(Ordering::Relaxed) {
                    let answer = caller.call(&bank, &Ask::company("bank-scenario", COMPANY.1));
                    if tell.send(answer).is_err() {
                        return;
                    }
                }
            })
        });
        Self { clients: clients.collect(), stop, answers }
    }

    /// Waits for more answers.
    pub(crate) fn wait(&self, answers: usize) -> Vec<Answer> {
        let next = || self.answers.recv_timeout(PATIENCE).expect("clients go on: no call has failed");
        (0..answers).map(|_| next()).collect()
    }

    /// Ends the load; the answers not yet waited for.
    pub(crate) fn stop(self) -> Vec<Answer> {
        self.stop.store(true, Ordering::Relaxed);
        let rest = self.answers.iter().collect();
        for client in self.clients {
            client.join().expect("no call has failed");
        }
        rest
    }
}
