//! Where the data plane connects to, and what must be there.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use shuzha_core::Id;
use shuzha_proxy::{Addresses, Described, Endpoint, Prove, Resolve, Sockets, UpstreamOptions};

use crate::world::{Answer, DOMAIN, Says, Service, Setup, World, free, upstream};

/// Everything that is not special, as a node is installed.
const EVERYTHING: [&str; 2] = ["0.0.0.0/0", "::/0"];

async fn pass(world: &World, product: &str) -> String {
    let answer: Answer = world.connect().await.call(&format!("/v1/products/{product}/ok"), "{}").await;
    String::from_utf8(answer.body).expect("UTF-8")
}

const SERVED: &str = "{\"ok\":true}";

/// A service at this endpoint.
fn at(name: &str, endpoint: Endpoint) -> UpstreamOptions {
    let mut declared = upstream(name, vec![free()]);
    declared.endpoints = vec![endpoint];
    declared
}

/// A resolver that knows what it was told last.
#[derive(Default)]
struct Told(Mutex<Vec<SocketAddr>>);

impl Told {
    fn say(&self, addresses: &[SocketAddr]) {
        *self.0.lock().expect("no panic") = addresses.to_vec();
    }
}

#[async_trait]
impl Resolve for Told {
    async fn resolve(&self, _: &str, _: u16) -> std::io::Result<Vec<SocketAddr>> {
        let known = self.0.lock().expect("no panic").clone();
        if known.is_empty() { Err(std::io::ErrorKind::NotFound.into()) } else { Ok(known) }
    }
}

fn mapped(address: SocketAddr) -> SocketAddr {
    format!("[::ffff:127.0.0.1]:{}", address.port()).parse().expect("an address")
}

/// Loopback, however it is spelt, is refused where it is not listed, and no byte is sent there.
#[tokio::test]
async fn loopback_is_refused_by_address_by_name_and_mapped_unless_it_is_listed() {
    let service = Service::start().await;
    let port = service.address.port();
    let name = || Endpoint::Name { host: "localhost".to_owned(), port };
    for endpoint in [service.address.into(), mapped(service.address).into(), name()] {
        let (egress, upstreams) = (EVERYTHING.to_vec(), vec![at("up", endpoint)]);
        let world = World::start(Setup { egress, upstreams, ..Setup::default() });
        assert_eq!(pass(&world, "pass").await, "NotAllowed");
        world.handle.upstreams().check_health().await;
        assert_eq!(pass(&world, "pass").await, "NotAllowed");
    }
    assert_eq!(service.requests().len(), 0);
    for endpoint in [service.address.into(), name()] {
        let (egress, upstreams) = (vec!["127.0.0.1", "::1"], vec![at("up", endpoint)]);
        let world = World::start(Setup { egress, upstreams, ..Setup::default() });
        assert_eq!(pass(&world, "pass").await, SERVED);
    }
}

/// The operations listener shows what belongs to all tenants: it is no product service, even where loopback is listed.
#[tokio::test]
async fn the_gateways_own_listeners_are_no_product_services() {
    let addresses = Addresses { data: vec![free()], operations: Some(free()) };
    let sockets = Sockets::bind(&addresses).expect("free ports can be bound");
    let own = sockets.addresses().expect("they are bound");
    let operations = own.operations.expect("it listens");
    let control = std::net::TcpListener::bind(free()).expect("a free port");
    let control = control.local_addr().expect("it is bound");
    let name = Endpoint::Name { host: "localhost".to_owned(), port: operations.port() };
    let upstreams =
        vec![at("up", operations.into()), at("away", name), at("toy", mapped(own.data[0]).into())];
    let egress = vec!["127.0.0.0/8", "::1"];
    let world = World::start(Setup { egress, upstreams, sockets: Some(sockets), ..Setup::default() });
    for product in ["pass", "away", "toy"] {
        assert_eq!(pass(&world, product).await, "NotAllowed", "{product}");
    }
    // One that begins to listen later, as the control API does.
    world.handle.upstreams().replace(&[at("up", control.into())]).expect("a good set");
    world.handle.upstreams().listens_at(control);
    assert_eq!(pass(&world, "pass").await, "NotAllowed");
}

/// What a name leads to is judged each time it is looked up, and where only some of it is allowed, only that is used.
#[tokio::test]
async fn a_name_that_comes_to_lead_elsewhere_is_judged_anew() {
    let service = Service::start().await;
    let told = Arc::new(Told::default());
    let endpoint = Endpoint::Name { host: "service.example".to_owned(), port: service.address.port() };
    let resolver: Arc<dyn Resolve> = told.clone();
    let (egress, upstreams) = (vec!["0.0.0.0/0", "127.0.0.1"], vec![at("up", endpoint)]);
    let world = World::start(Setup { egress, upstreams, resolver: Some(resolver), ..Setup::default() });
    let metadata: SocketAddr = "169.254.169.254:80".parse().expect("an address");
    let own = world.operations();
    told.say(&[metadata, service.address, own]);
    for _ in 0..3 {
        world.handle.upstreams().check_health().await;
        assert_eq!(pass(&world, "pass").await, SERVED);
    }
    for elsewhere in [metadata, own, "0.0.0.0:80".parse().expect("an address")] {
        told.say(&[elsewhere]);
        world.handle.upstreams().check_health().await;
        assert_eq!(pass(&world, "pass").await, "NotAllowed", "{elsewhere}");
    }
    told.say(&[service.address]);
    world.handle.upstreams().check_health().await;
    assert_eq!(pass(&world, "pass").await, SERVED);
}

/// A name that nobody resolves makes its own service away, at the start and after a change, and nothing else.
#[tokio::test]
async fn a_name_without_an_address_fails_its_own_service_alone() {
    let service = Service::start().await;
    let told = Arc::new(Told::default());
    let nowhere = || at("away", Endpoint::Name { host: "no-such-host.invalid".to_owned(), port: 80 });
    let upstreams = vec![at("up", service.address.into()), nowhere()];
    let resolver: Arc<dyn Resolve> = told.clone();
    let world = World::start(Setup { upstreams, resolver: Some(resolver), ..Setup::default() });
    assert_eq!(pass(&world, "pass").await, SERVED);
    assert_eq!(pass(&world, "away").await, "NoneHealthy");
    let set = [at("up", service.address.into()), nowhere(), at("toy", service.address.into())];
    world.handle.upstreams().replace(&set).expect("it is taken all the same");
    assert_eq!(
        (pass(&world, "toy").await, pass(&world, "away").await),
        (SERVED.to_owned(), "NoneHealthy".to_owned())
    );
    told.say(&[service.address]);
    world.handle.upstreams().check_health().await;
    assert_eq!(pass(&world, "away").await, SERVED, "it has an address now");
    told.say(&[]);
    world.handle.upstreams().check_health().await;
    assert_eq!(pass(&world, "away").await, SERVED, "it stays where it was while nobody can be asked");
}

/// The key that the harness gives every service.
const KEY: &[u8] = b"key of the tests";
const CONTRACT: &str = "00";
const SYNTHETIC: &str = "{\"synthetic\":true,\"version\":\"1\",\"contract\":\"00\"}";
const REAL: &str = "{\"synthetic\":false,\"version\":\"1\",\"contract\":\"00\"}";

fn synthetic(name: &str, service: &Service) -> UpstreamOptions {
    let mut declared = at(name, service.address.into());
    (declared.synthetic, declared.prove) = (true, true);
    declared
}

fn calls(service: &Service) -> usize {
    service.requests().iter().filter(|request| request.starts_with("POST")).count()
}

/// A service that is declared as synthetic says so itself, under its own key, or no trial reaches it.
#[tokio::test]
async fn a_synthetic_service_is_called_only_when_it_proves_to_be_one() {
    let service = Service::start().await;
    let upstreams = vec![synthetic("toy", &service)];
    let world = World::start(Setup { upstreams, ..Setup::default() });
    let says = |body, key, question| Some(Says { body, key, question });
    for said in [
        None,
        says(REAL, KEY, None),
        says(SYNTHETIC, b"another key", None),
        says(SYNTHETIC, KEY, Some("0190a5b4-7c00-7000-8000-000000000001")),
        says("{\"synthetic\":true}", KEY, None),
        says("{\"synthetic\":\"true\",\"version\":\"1\",\"contract\":\"00\"}", KEY, None),
        says("synthetic", KEY, None),
    ] {
        *service.says.lock().expect("no panic") = said;
        assert_eq!(pass(&world, "toy").await, "Unproved");
    }
    assert_eq!(calls(&service), 0, "no call was sent");
    *service.says.lock().expect("no panic") = says(SYNTHETIC, KEY, None);
    for _ in 0..3 {
        assert_eq!(pass(&world, "toy").await, SERVED);
    }
    assert_eq!(calls(&service), 3);
    let asked = service.requests().iter().filter(|request| request.starts_with("GET")).count();
    assert_eq!(asked, 8, "once for a connection, and not for each call");
}

/// Before a call that touches data of persons every service proves what it is, declared or not; before others it need not.
#[tokio::test]
async fn a_service_proves_what_it_is_before_data_of_persons_are_touched() {
    let service = Service::start().await;
    let start = |prove| {
        let upstreams = vec![at("up", service.address.into())];
        World::start(Setup { upstreams, prove, ..Setup::default() })
    };
    let (persons, declared) = (start(Some(Prove::Persons)), start(Some(Prove::Declared)));
    assert_eq!(pass(&persons, "person").await, "Unproved", "it does not describe itself");
    assert_eq!(pass(&persons, "pass").await, SERVED, "nor need it before other calls");
    assert_eq!(pass(&persons, "person").await, "Unproved", "on the connection that is open too");
    assert_eq!(pass(&declared, "person").await, SERVED, "where only what was declared is asked for");
    *service.says.lock().expect("no panic") = Some(Says { body: SYNTHETIC, key: KEY, question: None });
    assert_eq!(pass(&persons, "person").await, "Unproved", "a synthetic service is none for persons");
    *service.says.lock().expect("no panic") = Some(Says { body: REAL, key: KEY, question: None });
    assert_eq!(pass(&persons, "person").await, SERVED);
}

/// What a review bound is what answers: another version or contract is not called.
#[tokio::test]
async fn a_service_of_another_version_or_contract_than_declared_is_not_called() {
    let service = Service::start().await;
    *service.says.lock().expect("no panic") = Some(Says { body: REAL, key: KEY, question: None });
    for (version, contract, expected) in
        [("1", CONTRACT, SERVED), ("2", CONTRACT, "Unproved"), ("1", "01", "Unproved")]
    {
        let mut declared = at("up", service.address.into());
        declared.described = Some(Described { version: version.to_owned(), contract: contract.to_owned() });
        declared.prove = true;
        let world = World::start(Setup { upstreams: vec![declared], ..Setup::default() });
        assert_eq!(pass(&world, "pass").await, expected, "{version} {contract}");
    }
}

/// Identity is the address, not its text: where a synthetic service proved to be, no real one is.
#[tokio::test]
async fn a_real_service_is_not_at_the_address_of_a_synthetic_one() {
    let service = Service::start().await;
    *service.says.lock().expect("no panic") = Some(Says { body: SYNTHETIC, key: KEY, question: None });
    let told = Arc::new(Told::default());
    told.say(&[service.address]);
    let name = Endpoint::Name { host: "real.example".to_owned(), port: service.address.port() };
    let upstreams = vec![synthetic("toy", &service), at("up", name)];
    let resolver: Arc<dyn Resolve> = told;
    let world = World::start(Setup { upstreams, resolver: Some(resolver), ..Setup::default() });
    assert_eq!(pass(&world, "toy").await, SERVED);
    assert_eq!(pass(&world, "pass").await, "Unproved");
}

/// A query goes to a service that has said, under its key, that it keeps the domain that the noise is drawn for, and to no
/// other: the same on the way of a query and by the check that a change of what is in force sets off.
#[tokio::test]
async fn e6_a_query_goes_only_to_a_service_that_keeps_its_domain() {
    let service = Service::start().await;
    let world = World::start(Setup { upstreams: vec![at("up", service.address.into())], ..Setup::default() });
    let up: Id = "up".parse().expect("a name");
    let upstreams = || world.handle.upstreams();
    let known = || (upstreams().keeps(&up, DOMAIN), upstreams().denies(&up, DOMAIN));
    assert_eq!(known(), (true, false), "nothing is known yet");
    let of = |domains: &str| -> &'static str {
        let said = format!("{{\"synthetic\":false,\"version\":\"1\",\"contract\":\"00\"{domains}}}");
        Box::leak(said.into_boxed_str())
    };
    let (own, other) = (DOMAIN.to_string(), "08".repeat(32));
    for (said, expected) in [
        (None, "Unproved"),
        (Some(of("")), "OtherDomain"),
        (Some(of(",\"domains\":[]")), "OtherDomain"),
        (Some(of(",\"domains\":7")), "Unproved"),
        (Some(of(&format!(",\"domains\":[\"{other}\"]"))), "OtherDomain"),
        (Some(of(&format!(",\"domains\":[\"{}\"]", own.to_uppercase().replace('0', "O")))), "OtherDomain"),
    ] {
        let says = said.map(|body| Says { body, key: KEY, question: None });
        *service.says.lock().expect("no panic") = says;
        assert_eq!(pass(&world, "report").await, expected, "{said:?}");
        assert_eq!(known(), (expected == "Unproved", true), "{said:?}");
    }
    assert_eq!(calls(&service), 0, "no query was sent");
    let body = of(&format!(",\"domains\":[\"{other}\",\"{own}\"]"));
    *service.says.lock().expect("no panic") = Some(Says { body, key: KEY, question: None });
    // Without a call: what is behind a report is asked when its health is checked.
    upstreams().inquire_of([up.clone()]);
    upstreams().check_health().await;
    assert_eq!(known(), (true, false));
    assert_eq!(pass(&world, "report").await, SERVED);
    *service.says.lock().expect("no panic") = Some(Says { body: of(""), key: KEY, question: None });
    upstreams().check_health().await;
    assert_eq!(known(), (false, true));
    assert_eq!(pass(&world, "report").await, "OtherDomain", "on the connection that proved itself before");
    assert_eq!(calls(&service), 1);
    assert_eq!(pass(&world, "pass").await, SERVED, "what is no query needs no domain");
}
