//! Tables of counts: what of a product service's answer can leave, whatever it answers (issue: groups that nobody declared).

mod fuzz;

use serde_json::{Value, json};
use shuzha_core::{Code, Id, OsRng};
use shuzha_privacy::dp::{Domain, Query};
use shuzha_privacy::output::FieldSet;
use shuzha_products::World;
use shuzha_products::kinds::Dated;
use shuzha_products::product::Operation;

use crate::demo_files;

/// A product of the demo's operator.
fn product(name: &str, set: &str, operations: &str) -> String {
    format!(
        "---\napiVersion: shuzha/v1\nkind: Product\nmetadata: {{name: {name}}}\nspec:\n  kind: table\n  title: 更多\n  \
         operator: yunze-data\n  dataSets: [{set}]\n  upstream: register\n  version: 1\n  operations:\n{operations}"
    )
}

fn operation(name: &str, fields: &str) -> String {
    format!("    - {{name: {name}, method: POST, path: /v1/more, personal: false, {fields}}}\n")
}

fn with(more: &str) -> Result<World, Vec<String>> {
    let mut files = demo_files();
    files.push(("more.yaml".to_owned(), more.to_owned()));
    World::parse(&files).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

/// A data set without a table of its own, and a suppressed table over it.
fn suppressed(fields: &str) -> Result<World, Vec<String>> {
    let set = "---\napiVersion: shuzha/v1\nkind: DataSet\nmetadata: {name: firms}\nspec: {provider: market-regulator, \
               sensitivity: general}\n";
    with(&format!("{set}{}", product("more", "firms", &operation("get", fields))))
}

const SUPPRESSED: &str = "by: [{name: county, keys: [甲, 乙]}, {name: sex, keys: [f, m]}], protection: suppress, law: 某法第九条, \
                          referenceDate: 2026-06-30, threshold: 10";
const NOISED: &str = "by: [{name: income, keys: [\"<=50K\", \">50K\"]}, {name: sex, keys: [Female, Male]}], \
                      accuracy: {epsilon: \"0.5\"}, minIntervalDays: 30";

fn of(world: &World) -> &Operation {
    &world.products["more"].operations[0]
}

fn row(key: &[&str], count: impl Into<Value>) -> Value {
    json!({"key": key, "count": count.into()})
}

fn answer(rows: &[Value]) -> String {
    json!({"reference_date": "2026-06-30", "rows": rows}).to_string()
}

fn shown(operation: &Operation, answer: &str) -> Value {
    let released = operation.release(FieldSet::default(), answer.as_bytes()).expect("released");
    serde_json::from_slice(&released.bytes).expect("JSON")
}

/// The keys of an answer, in their order.
fn keys(shown: &Value) -> Vec<Vec<String>> {
    let rows = shown["rows"].as_array().expect("rows").iter();
    rows.map(|row| serde_json::from_value(row["key"].clone()).expect("texts")).collect()
}

fn count(shown: &Value, key: &[&str]) -> Value {
    let rows = shown["rows"].as_array().expect("rows");
    rows.iter().find(|row| row["key"] == json!(key)).expect("every cell and total")["count"].clone()
}

/// P1: sixty groups named by people left as they came, and a group of one named itself.
#[test]
fn e6_keys_that_nobody_declared_do_not_leave() {
    let world = suppressed(SUPPRESSED).expect("a table");
    let table = of(&world);
    let good = [row(&["甲", "f"], 4), row(&["甲", "m"], 60), row(&["乙", "f"], 30), row(&["乙", "m"], 50)];
    let whole = shown(table, &answer(&good));
    assert_eq!(count(&whole, &["甲", "f"]), Value::Null);
    assert_eq!(count(&whole, &["乙", "f"]), json!(30));
    assert_eq!((count(&whole, &["甲", "*"]), count(&whole, &["*", "*"])), (json!(64), json!(144)));
    assert_eq!(count(&whole, &["*", "f"]), Value::Null, "it would be subtracted");
    assert_eq!(whole["merged"], json!([{"keys": [["甲", "f"], ["甲", "m"]], "count": 64}]));
    // A cell that is left out is 0, and its key is there all the same: as with one person in it.
    let less = shown(table, &answer(&good[1..]));
    assert_eq!(keys(&less), keys(&whole));
    assert_eq!(count(&less, &["甲", "f"]), Value::Null);
    // A member beside the counts is dropped and counted.
    let mut beside: Value = serde_json::from_str(&answer(&good)).expect("JSON");
    (beside["note"], beside["rows"][0]["name"]) = (json!("张三丰"), json!("张三丰"));
    let released = table.release(FieldSet::default(), beside.to_string().as_bytes()).expect("released");
    assert_eq!(released.unlisted, 2);
    assert!(!String::from_utf8_lossy(&released.bytes).contains("张三丰"));
    for (lie, alarm) in [
        (answer(&[row(&["姓名张三丰|690113200205284265", "f"], 1_000)]), 1),
        (answer(&[row(&["*", "f"], 4)]), 1),
        (answer(&[row(&["甲", "f", "x"], 4)]), 1),
        (answer(&[row(&["甲"], 4)]), 1),
        (answer(&[good[0].clone(), good[0].clone()]), 0),
        (answer(&[row(&["甲", "f"], -4)]), 0),
        (answer(&[row(&["甲", "f"], 4.5)]), 0),
        (answer(&good).replace("06-30", "07-31"), 0),
        (answer(&good).replace("reference_date", "date"), 0),
        (r#"{"rows":[]}"#.to_owned(), 0),
        ("[]".to_owned(), 0),
    ] {
        let fault = table.release(FieldSet::default(), lie.as_bytes()).expect_err("a lie");
        assert_eq!((fault.code, fault.unlisted), (Code::C901, alarm), "{lie}");
        assert!(!fault.at.contains("张三丰"), "{}", fault.at);
    }
    let released = table.release(FieldSet::default(), answer(&[]).as_bytes()).expect("nobody");
    assert_eq!(keys(&serde_json::from_slice(&released.bytes).expect("JSON")), keys(&whole));
}

fn domain(world: &World) -> &Domain {
    &world.data_sets["census"].privacy.as_ref().expect("terms").domain
}

/// The query of a noised table, and a release of it over `rows`.
fn noised(world: &World, operation: &Operation, rows: &Value) -> Option<(Query, Vec<u8>)> {
    let domain = domain(world);
    let query = Query::parse(operation.output.query().expect("a query"), domain).expect("of the domain");
    let engine = json!({"data_version": "adult-1", "max_rows_per_person": 1, "rows": rows}).to_string();
    let noise = query.base().draw(domain, &OsRng).expect("noise");
    let kept = query.base().release(noise, engine.as_bytes(), domain).ok()?.bytes;
    Some((query, kept))
}

fn tabulated(world: &World, operation: &Operation, (query, kept): &(Query, Vec<u8>)) -> Value {
    let noised = query.noised(kept, domain(world)).expect("its own release");
    serde_json::from_slice(&operation.output.tabulate(noised).expect("a table")).expect("JSON")
}

/// P2: every view is a sum of the same noised cells, so that views side by side tell nothing that one does not.
#[test]
fn e6_views_are_sums_of_the_same_noised_cells() {
    let world = crate::demo();
    let product = &world.products["census-table"];
    let [cells, view] = [0, 1].map(|at| &product.operations[at]);
    assert_eq!(cells.output.query(), view.output.query(), "one query, one release, one charge");
    let sectors = [
        ("private", vec!["Private", "Self-emp-not-inc", "Self-emp-inc"]),
        ("public", vec!["Federal-gov", "Local-gov", "State-gov"]),
        ("none", vec!["Without-pay", "Never-worked", "?"]),
    ];
    let rows =
        json!([row(&["<=50K", "Private"], 300), row(&[">50K", "Without-pay"], 1), row(&["<=50K", "?"], 7)]);
    // The columns of a release are sorted; the table's are as declared.
    for _ in 0..20 {
        let kept = noised(&world, cells, &rows).expect("released");
        let (fine, coarse) = (tabulated(&world, cells, &kept), tabulated(&world, view, &kept));
        let number = |shown: &Value, key: &[&str]| count(shown, key).as_i64().expect("a count");
        for income in ["<=50K", ">50K", "*"] {
            let mut total = 0;
            for (sector, of) in &sectors {
                let sum: i64 = of.iter().map(|class| number(&fine, &[class, income])).sum();
                assert_eq!(number(&coarse, &[sector, income]), sum, "{sector} {income}");
                assert!(sum >= 0);
                total += sum;
            }
            assert_eq!((number(&fine, &["*", income]), number(&coarse, &["*", income])), (total, total));
        }
        assert_eq!((&fine["privacy"]["charge"], &fine["data_version"]), (&json!("0.5"), &json!("adult-1")));
        assert_eq!(fine["noise"], coarse["noise"]);
    }
    let accuracy = |shown: &Value, key: &[&str]| {
        let rows = shown["rows"].as_array().expect("rows").clone();
        rows.iter().find(|row| row["key"] == json!(key)).expect("there")["accuracy_95"]
            .as_u64()
            .expect("a bound")
    };
    let kept = noised(&world, cells, &rows).expect("released");
    let (fine, coarse) = (tabulated(&world, cells, &kept), tabulated(&world, view, &kept));
    assert!(accuracy(&fine, &["Private", ">50K"]) < accuracy(&coarse, &["private", ">50K"]));
    assert!(accuracy(&coarse, &["private", ">50K"]) < accuracy(&coarse, &["*", "*"]));
}

/// P12: a township lies in one county. Nobody can be anywhere else, so there is nothing to hide in.
#[test]
fn e6_impossible_cells_are_printed_zero() {
    let townships = "by: [{name: county, keys: [\"01\", \"02\"]}, {name: township, under: county, keys: [\"0101\", \"0102\", \
                     \"0201\", \"0202\"]}], protection: suppress, law: 某法, referenceDate: 2026-06-30, threshold: 10";
    let pairs = townships.replace(" under: county,", "").replace(
        "threshold",
        "impossible: [{county: \"01\", township: [\"0201\", \"0202\"]}, {county: [\"02\"], township: \
                 [\"0101\", \"0102\"]}], threshold",
    );
    for declared in [townships, &pairs] {
        let world = suppressed(declared).expect("a table");
        let rows = [
            row(&["01", "0101"], 5),
            row(&["01", "0102"], 30),
            row(&["02", "0201"], 40),
            row(&["02", "0202"], 50),
        ];
        let left = shown(of(&world), &answer(&rows));
        assert_eq!(count(&left, &["01", "0201"]), json!(0));
        assert_eq!(count(&left, &["01", "0101"]), Value::Null);
        assert_eq!(left["merged"], json!([{"keys": [["01", "0101"], ["01", "0102"]], "count": 35}]));
        // 0201 is open in its county and 0 in the other.
        assert_eq!((count(&left, &["*", "0201"]), count(&left, &["*", "0101"])), (json!(40), Value::Null));
        let lie = [rows.to_vec(), vec![row(&["01", "0201"], 1)]].concat();
        let fault = of(&world).release(FieldSet::default(), answer(&lie).as_bytes()).expect_err("impossible");
        assert_eq!((fault.code, fault.unlisted), (Code::C901, 1));
    }
    // Where counts are noised, nobody is refused for who is where: what is counted there is left out.
    let fields =
        NOISED.replace(", minInterval", ", impossible: [{income: \">50K\", sex: Female}], minInterval");
    let world = with(&product("more", "census", &operation("get", &fields))).expect("a table");
    let kept = noised(&world, of(&world), &json!([row(&[">50K", "Female"], 9_000)])).expect("released");
    let left = tabulated(&world, of(&world), &kept);
    assert_eq!(count(&left, &[">50K", "Female"]), json!(0));
    assert!(count(&left, &["*", "*"]).as_i64().expect("a count") < 1_000);
}

#[test]
fn e6_what_a_table_must_declare() {
    let fault = |declared: Result<World, Vec<String>>, why: &str| {
        let faults = declared.expect_err(why);
        assert!(faults.iter().any(|fault| fault.contains(why)), "{why}: {faults:?}");
    };
    for (from, to, why) in [
        ("threshold: 10", "threshold: 9", "threshold"),
        (", law: 某法第九条", "", "law"),
        (", referenceDate: 2026-06-30", "", "referenceDate"),
        ("2026-06-30", "2026-06-31", "referenceDate"),
        ("2026-06-30", "\"2026-06-30T00:00:00Z\"", "referenceDate"),
        (", protection: suppress", "", "is of `protection: suppress`"),
        ("suppress", "none", "must be one of: noise, suppress"),
        ("[f, m]", "[f, f]", "twice"),
        ("[f, m]", "[f, \"*\"]", "`*`"),
        ("[f, m]", "[]", "at least one"),
        ("name: sex", "name: county", "twice"),
        (", threshold", ", impossible: [{sex: f}], threshold", "two dimensions"),
        (", threshold", ", impossible: [{sex: x, county: 甲}], threshold", "no key"),
        (", threshold", ", impossible: [{sex: [f, m], county: [甲, 乙]}], threshold", "no cell"),
        (", threshold", ", accuracy: {epsilon: \"1\"}, threshold", "is of `protection: noise`"),
    ] {
        assert!(SUPPRESSED.contains(from), "{from}");
        fault(suppressed(&SUPPRESSED.replacen(from, to, 1)), why);
    }
    let noised = |fields: &str| with(&product("more", "census", &operation("get", fields)));
    for (from, to, why) in [
        (", minIntervalDays: 30", "", "minIntervalDays"),
        ("\"0.5\"", "\"1.5\"", "C604"),
        ("epsilon", "rho", "C302"),
        ("Male]", "Male, X]", "C605"),
        ("name: sex", "name: gender", "C605"),
        ("Female, Male", "Female, Male, Female", "twice"),
    ] {
        assert!(NOISED.contains(from), "{from}");
        fault(noised(&NOISED.replacen(from, to, 1)), why);
    }
    // A part of the domain's keys is a table of that part.
    assert!(noised(&NOISED.replace("Female, Male", "Female")).is_ok());
    // Budget and exact counts are not for the same people.
    fault(with(&product("more", "census", &operation("get", SUPPRESSED))), "privacy budget");
    fault(with(&product("more", "enterprises", &operation("get", NOISED))), "`privacy` terms");
    fault(with(&product("more", "census, population", &operation("get", NOISED))), "exactly one data set");
    let view = |fields: &str, base: &str| {
        with(&product("more", "census", &(operation("get", base) + &operation("view", fields))))
    };
    assert!(view("of: get, by: [sex]", NOISED).is_ok());
    let coarse = "of: get, by: [{name: sexes, of: sex, groups: {all: [Female, Male]}}]";
    assert!(view(coarse, NOISED).is_ok());
    fault(view(NOISED, NOISED), "one family");
    fault(view("of: view, by: [sex]", NOISED), "no operation");
    fault(view("of: get, by: [race]", NOISED), "no dimension");
    fault(view("of: get, by: [sex, sex]", NOISED), "twice");
    fault(view("of: get, by: [sex], threshold: 10", NOISED), "whose view this is");
    fault(view(&coarse.replace("Female, ", ""), NOISED), "leaves a key");
    fault(view(&coarse.replace("Female", "Male"), NOISED), "two groups");
    let set = "---\napiVersion: shuzha/v1\nkind: DataSet\nmetadata: {name: firms}\nspec: {provider: market-regulator, \
               sensitivity: general}\n";
    let two = operation("get", SUPPRESSED) + &operation("view", "of: get, by: [sex]");
    fault(with(&format!("{set}{}", product("more", "firms", &two))), "no views");
}

/// The sandbox's example of a noised table is counts of its cells, without noise; of each view as of the whole.
#[test]
fn k1_an_example_of_a_table_has_declared_keys() {
    let example = |rows: &str| {
        let fields = format!("of: get, by: [sex], example: {{rows: {rows}}}");
        with(&product("more", "census", &(operation("get", NOISED) + &operation("view", &fields))))
    };
    let world =
        example("[{key: [\"<=50K\", Male], count: 7}, {key: [\">50K\", Male], count: 5}]").expect("read");
    let view = &world.products["more"].operations[1];
    let bytes = view.example.clone().expect("an example");
    let left = shown(view, std::str::from_utf8(&bytes).expect("UTF-8"));
    assert_eq!(
        (count(&left, &["Male"]), count(&left, &["Female"]), count(&left, &["*"])),
        (json!(12), json!(0), json!(12))
    );
    let faults = example("[{key: [\"<=50K\", 张三丰], count: 7}]").expect_err("an undeclared key");
    assert!(faults.iter().any(|fault| fault.contains("not a declared key")), "{faults:?}");
}

/// P2: two suppressed tables over the same people are subtracted; two noised ones are charged, each of them.
#[test]
fn e6_a_suppressed_table_stands_alone_over_its_data_set() {
    let set = "---\napiVersion: shuzha/v1\nkind: DataSet\nmetadata: {name: firms}\nspec: {provider: market-regulator, \
               sensitivity: general}\n";
    let table = |name: &str, fields: &str| product(name, "firms", &operation("get", fields));
    let one = format!("{set}{}", table("one", SUPPRESSED));
    assert!(with(&one).is_ok());
    let faults = with(&format!("{one}{}", table("two", SUPPRESSED))).expect_err("two tables");
    assert!(
        faults.iter().any(|fault| fault.contains("stands alone") && fault.contains("`one`")),
        "{faults:?}"
    );
    let noised = |name: &str| product(name, "census", &operation("get", NOISED));
    assert!(with(&format!("{}{}", noised("one"), noised("two"))).is_ok());
}

/// A table of the version before names dimensions and no keys. A register that holds one is read, and nothing of it leaves; none is
/// declared anew.
#[test]
fn a_table_without_keys_is_read_and_not_served() {
    const BEFORE: &str = "by: [area, sex], threshold: 10";
    let faults = with(&product("more", "enterprises", &operation("get", BEFORE))).expect_err("declared now");
    assert!(faults.iter().any(|fault| fault.contains("without their keys")), "{faults:?}");
    let world = crate::demo();
    let spec = json!({"kind": "table", "title": "更多", "operator": "yunze-data", "dataSets": ["enterprises"],
        "upstream": "register", "version": 1, "operations": [{"name": "get", "method": "POST", "path": "/v1/more",
        "personal": false, "by": ["area", "sex"], "threshold": 10}]});
    let name: Id = "enterprise-table".parse().expect("a name");
    let mut specs: Vec<(&str, Id, String)> =
        world.specs.iter().map(|((kind, name), spec)| (*kind, name.clone(), spec.to_string())).collect();
    // Specs do not hold grants; of the products here only the table changes.
    for (kind, of, text) in &mut specs {
        if *kind == "Product" && *of == name {
            *text = spec.to_string();
        }
    }
    let read = World::from_specs(specs.iter().map(|(kind, name, spec)| (*kind, name, &**spec)));
    let read = read.unwrap_or_else(|faults| panic!("{faults:?}"));
    let product = &read.products[&name];
    assert_eq!(product.operations[0].output.dated(), Some(Dated::Undeclared));
    assert_eq!(product.undeclared().map(Id::as_str).collect::<Vec<_>>(), ["get"]);
    let fault =
        product.operations[0].release(FieldSet::default(), br#"{"rows":[]}"#).expect_err("nothing leaves");
    assert_eq!(fault.code, Code::C901);
}
