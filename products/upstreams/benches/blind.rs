//! What a blinded evaluation costs the product service: the aim is 5,000 elements a second and core in batches of 64
//! (privacy research R18). Prints one line for each size; asserts that every element was evaluated.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use shuzha_upstreams::blind::{Blind, List};
use voprf::{Group as _, Ristretto255};

use shuzha_testkit::printed::{heading, number};

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn main() {
    heading("ristretto255 with a proof for each batch, one thread");
    let service = Blind::new(&[7; 32], "bench").expect("the seed gives keys");
    let mut element = Ristretto255::base_elem();
    let elements: Vec<String> = (0..64)
        .map(|_| {
            element += Ristretto255::base_elem();
            URL_SAFE_NO_PAD.encode(Ristretto255::serialize_elem(element))
        })
        .collect();
    for batch in [1, 8, 64] {
        let (start, mut done) = (Instant::now(), 0_u32);
        while start.elapsed().as_millis() < 1_500 {
            let (evaluated, _) = service.evaluate(List::Cardholders, &elements[..batch]).expect("evaluated");
            assert_eq!(evaluated.len(), batch, "every element was evaluated");
            done += u32::try_from(batch).expect("small");
        }
        let a_second = f64::from(done) / start.elapsed().as_secs_f64();
        let aim = if batch == 64 { Some(5_000.0..=f64::INFINITY) } else { None };
        number(&format!("elements evaluated in batches of {batch}, one core"), a_second, "/s", aim);
    }
}
