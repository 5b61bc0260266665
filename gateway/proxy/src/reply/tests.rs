//! Every refusal renders, in both languages, to the same members.

use shuzha_policy::RateLimit;

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
    rate_limits(&mut fields, &RateLimits { rate: Some(limit), quota: None });
    assert_eq!(fields["ratelimit-policy"], "\"default\";q=10;w=2");
    assert_eq!(fields["ratelimit"], "\"default\";r=0;t=1");
}

/// Roles D5: what is left of a quota stands beside the rate; one for the whole term has no times.
#[test]
fn rate_and_quota_stand_side_by_side() {
    use std::time::Duration;
    let of = |seconds: u64| RateLimit {
        quota: 9,
        window: Duration::from_secs(seconds),
        remaining: 4,
        reset: Duration::from_secs(seconds / 2),
    };
    let shown = |limits: RateLimits| {
        let mut fields = HeaderMap::new();
        rate_limits(&mut fields, &limits);
        let text = |name: &str| fields.get(name).map(|value| value.to_str().expect("ASCII").to_owned());
        (text("ratelimit-policy"), text("ratelimit"))
    };
    let both = RateLimits { rate: Some(of(2)), quota: Some(of(86_400)) };
    let policy = "\"default\";q=9;w=2, \"quota\";q=9;w=86400";
    let state = "\"default\";r=4;t=1, \"quota\";r=4;t=43200";
    assert_eq!(shown(both), (Some(policy.to_owned()), Some(state.to_owned())));
    let term = RateLimits { rate: None, quota: Some(of(0)) };
    assert_eq!(shown(term), (Some("\"quota\";q=9".to_owned()), Some("\"quota\";r=4".to_owned())));
    assert_eq!(shown(RateLimits::default()), (None, None));
}
