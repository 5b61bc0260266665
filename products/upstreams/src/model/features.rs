//! The inputs of the scoring model: 23 whole numbers, named as in the UCI table, and their bounds.

use serde::Deserialize;

/// How many features there are.
pub const COUNT: usize = 23;

/// Largest amount in New Taiwan dollars, either way. The largest in the table is 1,684,259.
const AMOUNT_MAX: i64 = 100_000_000;
/// Payment state: −2 no use, −1 paid in full, 0 revolving, 1–9 months of delay.
const STATE: (i64, i64) = (-2, 9);
/// Statement: negative when the client has paid too much.
const BILL: (i64, i64) = (-AMOUNT_MAX, AMOUNT_MAX);
/// Payment.
const PAYMENT: (i64, i64) = (0, AMOUNT_MAX);

/// Declares [`Features`] and [`BOUNDS`] from one list, so that names, order and bounds cannot part.
macro_rules! features {
    ($($(#[doc = $doc:literal])+ $name:ident: $bounds:expr,)+) => {
        /// What is known of one client.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Features {
            $($(#[doc = $doc])+ pub $name: i64,)+
        }

        /// Name, smallest and largest value of each feature, in the order of the graph's input.
        pub const BOUNDS: [(&str, (i64, i64)); COUNT] = [$((stringify!($name), $bounds),)+];

        impl Features {
            /// The values in the order of the graph's input.
            #[must_use]
            pub const fn values(&self) -> [i64; COUNT] {
                [$(self.$name,)+]
            }

            /// The client with these values, in the order of the graph's input.
            #[must_use]
            pub const fn from_values(values: [i64; COUNT]) -> Self {
                let [$($name,)+] = values;
                Self { $($name,)+ }
            }
        }
    };
}

features! {
    /// Amount of credit given.
    limit_bal: (1, AMOUNT_MAX),
    /// 1 man, 2 woman. Accepted, not used.
    sex: (1, 2),
    /// 1 graduate school, 2 university, 3 high school, 4 others, 0, 5 and 6 unknown.
    education: (0, 6),
    /// 1 married, 2 single, 3 others, 0 unknown. Accepted, not used.
    marriage: (0, 3),
    /// Years.
    age: (18, 120),
    /// Payment state of the last month (September 2005 in the table).
    pay_0: STATE,
    /// Payment state one month earlier.
    pay_2: STATE,
    /// Payment state two months earlier.
    pay_3: STATE,
    /// Payment state three months earlier.
    pay_4: STATE,
    /// Payment state four months earlier.
    pay_5: STATE,
    /// Payment state five months earlier.
    pay_6: STATE,
    /// Statement of the last month.
    bill_amt1: BILL,
    /// Statement one month earlier.
    bill_amt2: BILL,
    /// Statement two months earlier.
    bill_amt3: BILL,
    /// Statement three months earlier.
    bill_amt4: BILL,
    /// Statement four months earlier.
    bill_amt5: BILL,
    /// Statement five months earlier.
    bill_amt6: BILL,
    /// Payment of the last month.
    pay_amt1: PAYMENT,
    /// Payment one month earlier.
    pay_amt2: PAYMENT,
    /// Payment two months earlier.
    pay_amt3: PAYMENT,
    /// Payment three months earlier.
    pay_amt4: PAYMENT,
    /// Payment four months earlier.
    pay_amt5: PAYMENT,
    /// Payment five months earlier.
    pay_amt6: PAYMENT,
}

impl Features {
    /// Whether all values lie in their [`BOUNDS`].
    ///
    /// # Errors
    /// One sentence with the names of all features that do not.
    pub fn check(&self) -> Result<(), String> {
        let outside: Vec<&str> = BOUNDS
            .iter()
            .zip(self.values())
            .filter(|((_, (low, high)), value)| !(low..=high).contains(&value))
            .map(|((name, _), _)| *name)
            .collect();
        if outside.is_empty() { Ok(()) } else { Err(format!("outside the bounds: {}", outside.join(", "))) }
    }

    /// The graph's input. Values within their bounds lose nothing that matters: above 2²⁴ the nearest `f32`
    /// is off by less than one part in ten million.
    #[must_use]
    pub fn row(&self) -> [f32; COUNT] {
        #[expect(clippy::cast_precision_loss, reason = "see above")]
        self.values().map(|value| value as f32)
    }
}
