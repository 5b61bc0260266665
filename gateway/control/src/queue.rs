//! Turns at what only one may change at a time: in the order of coming, but for stops, which go before everything else that
//! waits. So a stop waits for the one change that is being made, however many wait.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How pressing a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// It takes something away: a suspension, a revocation, a removal.
    Stop,
    /// Anything else.
    Usual,
}

impl Urgency {
    /// Of `verb` done to an object of `kind`.
    pub(crate) fn of(kind: &str, verb: &str) -> Self {
        let stops = kind == "Suspension" || matches!(verb, "suspend" | "revoke" | "withdraw" | "terminate");
        if stops { Self::Stop } else { Self::Usual }
    }
}

/// What one at a time may change, and who waits for it.
pub(crate) struct Queue<T> {
    order: Mutex<Order>,
    moved: Condvar,
    /// Never waited for: whoever is here has the turn.
    held: Mutex<T>,
}

/// Owned for no longer than it takes to come or to go.
#[derive(Default)]
struct Order {
    taken: bool,
    last: u64,
    stops: VecDeque<u64>,
    usual: VecDeque<u64>,
}

impl Order {
    fn first(&self) -> Option<u64> {
        self.stops.front().or_else(|| self.usual.front()).copied()
    }
}

/// A turn; it ends when it is dropped.
pub(crate) struct Turn<'q, T> {
    queue: &'q Queue<T>,
    /// None only while it is dropped.
    held: Option<MutexGuard<'q, T>>,
}

impl<T> Queue<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { order: Mutex::default(), moved: Condvar::new(), held: Mutex::new(value) }
    }

    fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn. Says whether the one before ended with a panic.
    pub(crate) fn turn(&self, urgency: Urgency) -> (Turn<'_, T>, bool) {
        let mut order = self.order();
        order.last += 1;
        let ticket = order.last;
        match urgency {
            Urgency::Stop => order.stops.push_back(ticket),
            Urgency::Usual => order.usual.push_back(ticket),
        }
        let waits = |order: &mut Order| order.taken || order.first() != Some(ticket);
        let mut order = self.moved.wait_while(order, waits).unwrap_or_else(PoisonError::into_inner);
        order.taken = true;
        let first = if order.stops.is_empty() { &mut order.usual } else { &mut order.stops };
        first.pop_front();
        drop(order);
        let (held, panicked) = match self.held.lock() {
            Ok(held) => (held, false),
            Err(poisoned) => {
                self.held.clear_poison();
                (poisoned.into_inner(), true)
            }
        };
        (Turn { queue: self, held: Some(held) }, panicked)
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        let order = self.order();
        order.stops.len() + order.usual.len()
    }
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        self.held = None;
        self.queue.order().taken = false;
        self.queue.moved.notify_all();
    }
}

impl<T> Deref for Turn<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.held.as_ref().expect("it is held until it is dropped")
    }
}

impl<T> DerefMut for Turn<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.held.as_mut().expect("it is held until it is dropped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits until so many wait: whoever is spawned next comes behind them.
    fn until(queue: &Queue<Vec<u32>>, waiting: usize) {
        while queue.waiting() < waiting {
            std::thread::yield_now();
        }
    }

    #[test]
    fn turns_come_in_order_and_stops_before_all_others() {
        let queue = Queue::new(Vec::new());
        let (turn, _) = queue.turn(Urgency::Usual);
        std::thread::scope(|scope| {
            let come = |number: u32, urgency| {
                scope.spawn({
                    let queue = &queue;
                    move || queue.turn(urgency).0.push(number)
                });
                until(&queue, number as usize);
            };
            come(1, Urgency::Usual);
            come(2, Urgency::Usual);
            come(3, Urgency::Stop);
            come(4, Urgency::Usual);
            come(5, Urgency::Stop);
            drop(turn);
        });
        assert_eq!(*queue.turn(Urgency::Usual).0, [3, 5, 1, 2, 4]);
    }

    #[test]
    fn a_panic_ends_its_turn_and_is_told_to_the_next() {
        let queue = Queue::new(Vec::new());
        std::thread::scope(|scope| {
            let panics = || {
                let (mut turn, _) = queue.turn(Urgency::Usual);
                turn.push(1);
                panic!("in a turn");
            };
            assert!(scope.spawn(panics).join().is_err());
        });
        assert!(queue.turn(Urgency::Stop).1);
        assert!(!queue.turn(Urgency::Stop).1);
    }
}
