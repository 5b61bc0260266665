//! A naive recomputation of the statistics, row by row from the CSV, and random questions against it.

use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use proptest::prelude::*;
use serde_json::{Value, json};
use shuzha_upstreams::statistics::{Column, Query, QueryFault, Statistics};

const DATA: &[u8] = include_bytes!("../../data/adult.csv.gz");

pub(crate) static ENGINE: LazyLock<Statistics> = LazyLock::new(|| Statistics::adult().unwrap());

/// The table as text, row by row.
pub(crate) static ROWS: LazyLock<Vec<HashMap<String, String>>> = LazyLock::new(|| {
    let mut text = String::new();
    GzDecoder::new(DATA).read_to_string(&mut text).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    lines
        .map(|line| {
            header.iter().zip(line.split(',')).map(|(h, v)| ((*h).to_owned(), v.to_owned())).collect()
        })
        .collect()
});

pub(crate) type Cells = BTreeMap<Vec<String>, (u64, Option<i64>)>;

/// What the engine answers.
pub(crate) fn engine(query: &Value) -> Result<Cells, QueryFault> {
    let query: Query = serde_json::from_value(query.clone()).unwrap();
    let rows = ENGINE.table().aggregate(&query)?;
    let total = rows.len();
    let cells: Cells = rows
        .into_iter()
        .map(|row| (row.key.into_iter().map(|part| part.into_owned()).collect(), (row.count, row.sum)))
        .collect();
    assert_eq!(cells.len(), total, "no cell comes twice");
    Ok(cells)
}

/// The value of a column as the domain sees it: clamped, if it is an integer.
fn seen(row: &HashMap<String, String>, column: &str) -> (String, i64) {
    match &ENGINE.table().domain().columns[column] {
        Column::Categorical { .. } | Column::Open { .. } => (row[column].clone(), 0),
        Column::Integer { minimum, maximum } => {
            let value = row[column].parse::<i64>().unwrap().clamp((*minimum).into(), (*maximum).into());
            (value.to_string(), value)
        }
    }
}

fn meets(row: &HashMap<String, String>, condition: &Value) -> bool {
    let (text, number) = seen(row, condition["column"].as_str().unwrap());
    let same = |value: &Value| {
        value.as_str() == Some(&text) || value.as_i64().is_some_and(|v| v.to_string() == text)
    };
    match condition["op"].as_str().unwrap() {
        "eq" => same(&condition["value"]),
        "in" => condition["value"].as_array().unwrap().iter().any(same),
        "ge" => number >= condition["value"].as_i64().unwrap(),
        "le" => number <= condition["value"].as_i64().unwrap(),
        other => panic!("{other}"),
    }
}

/// The same by looking at every row; empty cells are not there.
pub(crate) fn naive(query: &Value) -> Cells {
    let measure = query["measure"].as_str().unwrap();
    let summed = matches!(measure, "sum" | "mean");
    let mut key: Vec<&str> =
        query["group_by"].as_array().unwrap().iter().map(|c| c.as_str().unwrap()).collect();
    if measure == "histogram" {
        key.push(query["column"].as_str().unwrap());
    }
    let mut cells = Cells::new();
    for row in ROWS.iter().filter(|row| query["where"].as_array().unwrap().iter().all(|c| meets(row, c))) {
        let cell = cells
            .entry(key.iter().map(|column| seen(row, column).0).collect())
            .or_insert((0, summed.then_some(0)));
        cell.0 += 1;
        if let Some(sum) = &mut cell.1 {
            *sum += seen(row, query["column"].as_str().unwrap()).1;
        }
    }
    cells
}

pub(crate) fn filled(cells: Cells) -> Cells {
    cells.into_iter().filter(|(_, (count, _))| *count > 0).collect()
}

/// A condition that fits the domain.
fn condition() -> impl Strategy<Value = Value> {
    let columns: Vec<(String, Column)> = ENGINE.table().domain().columns.clone().into_iter().collect();
    (prop::sample::select(columns), prop::collection::vec(any::<prop::sample::Index>(), 1..4), 0..4_usize)
        .prop_map(|((name, column), picks, op)| match column {
            Column::Categorical { keys } => {
                let values: Vec<&String> = picks.iter().map(|pick| pick.get(&keys)).collect();
                match op % 2 {
                    0 => json!({"column":name,"op":"eq","value":values[0]}),
                    _ => json!({"column":name,"op":"in","value":values}),
                }
            }
            Column::Integer { minimum, maximum } => {
                let span = usize::try_from(maximum - minimum + 3).unwrap();
                let values: Vec<i64> = picks
                    .iter()
                    .map(|pick| i64::from(minimum) - 1 + i64::try_from(pick.index(span)).unwrap())
                    .collect();
                match op {
                    0 => json!({"column":name,"op":"eq","value":values[0]}),
                    1 => json!({"column":name,"op":"ge","value":values[0]}),
                    2 => json!({"column":name,"op":"le","value":values[0]}),
                    _ => json!({"column":name,"op":"in","value":values}),
                }
            }
            Column::Open { .. } => unreachable!("every column of the Adult table is public"),
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_question_matches_the_naive_count(
        conditions in prop::collection::vec(condition(), 0..3),
        groups in prop::sample::subsequence(vec!["sex", "race", "income", "education", "relationship"], 0..=2),
        measure in prop::sample::select(vec![
            ("count", None), ("sum", Some("age")), ("mean", Some("capital_loss")), ("histogram", Some("workclass")),
        ]),
    ) {
        let query = json!({"measure":measure.0,"column":measure.1,"where":conditions,"group_by":groups});
        prop_assert_eq!(filled(engine(&query).unwrap()), naive(&query), "{}", query);
    }

    #[test]
    fn no_question_makes_it_panic(
        measure in "count|sum|mean|histogram",
        column in prop::option::of("age|sex|capital_gain|person_id|[a-z]{0,3}"),
        op in "eq|in|ge|le",
        value in prop_oneof![
            any::<i64>().prop_map(Value::from),
            "\\PC{0,5}".prop_map(Value::from),
            prop::collection::vec(any::<i64>(), 0..4).prop_map(Value::from),
            prop::collection::vec("Male|Female|[a-z]", 0..4).prop_map(Value::from),
        ],
        groups in prop::collection::vec("sex|race|age|birthplace|occupation", 0..4),
    ) {
        let filter = column.clone().unwrap_or_else(|| "age".to_owned());
        let query = json!({
            "measure": measure, "column": column, "group_by": groups,
            "where": [{ "column": filter, "op": op, "value": value }],
        });
        // A refusal is as good as an answer; an answer must be one that the naive count gives.
        if let Ok(cells) = engine(&query) {
            prop_assert_eq!(filled(cells), naive(&query), "{}", query);
        }
    }
}
