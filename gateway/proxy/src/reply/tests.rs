//! Every refusal renders, in both languages, to the same members.

use super::*;

fn request() -> RequestId {
    "0190a5b4-7c00-7000-8000-000000000001".parse().expect("a request id")
}

#[test]
fn every_code_renders_in_both_languages() {
    for &code in Code::ALL {
        for lang in [Lang::Zh, Lang::En] {
            let refusal = Refusal::at(code, "/a/\"b\\\u{1}");
            let body = problem::render(request(), &refusal, lang);
            let json: serde_json::Value = serde_json::from_slice(&body).expect("a problem is JSON");
            assert_eq!(json["type"], format!("/errors/{code}"));
            assert_eq!(json["title"], code.title(lang));
            assert_eq!(json["status"], code.status());
            assert_eq!(json["code"], code.as_str());
            assert_eq!(json["request_id"], request().to_string());
            assert_eq!(json["detail"], "/a/\"b\\\u{1}");
        }
    }
}

#[test]
fn a_problem_without_a_place_has_no_detail() {
    let response = refuse(request(), Code::C007, Lang::En, Some("POST"));
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()["allow"], "POST");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["content-language"], "en");
    let Body::Whole(Some(body)) = response.into_body() else { panic!("a body of one piece") };
    let json: serde_json::Value = serde_json::from_slice(&body).expect("a problem is JSON");
    assert!(json.get("detail").is_none());
}

#[test]
fn times_are_rounded_up_to_whole_seconds() {
    use std::time::Duration;
    let mut fields = HeaderMap::new();
    let limit = RateLimit {
        quota: 10,
        window: Duration::from_millis(1_500),
        remaining: 0,
        reset: Duration::from_millis(1),
    };
    rate_limit(&mut fields, &limit);
    assert_eq!(fields["ratelimit-policy"], "\"default\";q=10;w=2");
    assert_eq!(fields["ratelimit"], "\"default\";r=0;t=1");
}
