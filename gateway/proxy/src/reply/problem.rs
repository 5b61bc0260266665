//! Problem details (RFC 9457), assembled from fragments that were rendered once per code and language.

use std::sync::LazyLock;

use bytes::Bytes;
use shuzha_core::{Code, Lang, Refusal, RequestId};

/// Everything of a problem up to its request id, by language and code.
static FRAGMENTS: LazyLock<[Vec<String>; 2]> = LazyLock::new(|| {
    [Lang::Zh, Lang::En].map(|lang| Code::ALL.iter().map(|&code| fragment(code, lang)).collect())
});

/// `"detail"`'s quotes and comma, a request id's quotes, the closing brace.
const TAIL_BYTES: usize = 64;

fn fragment(code: Code, lang: Lang) -> String {
    let title = serde_json::Value::from(code.title(lang));
    let status = code.status();
    format!(
        "{{\"type\":\"/errors/{code}\",\"title\":{title},\"status\":{status},\"code\":\"{code}\",\"request_id\":\""
    )
}

/// The body of a refusal. `detail` names the place in the request, never a value.
pub(super) fn render(request: RequestId, refusal: &Refusal, lang: Lang) -> Bytes {
    use std::fmt::Write as _;
    let by_code = match lang {
        Lang::Zh => &FRAGMENTS[0],
        Lang::En => &FRAGMENTS[1],
    };
    let head = &by_code[Code::ALL.binary_search(&refusal.code).expect("every code is in the list, in order")];
    // The empty pointer is a place too: the whole body (RFC 6901 §5).
    let place = refusal.at.as_deref();
    let mut text = String::with_capacity(head.len() + place.map_or(0, str::len) + TAIL_BYTES);
    text.push_str(head);
    write!(text, "{request}\"").expect("writing to a string cannot fail");
    if let Some(place) = place {
        write!(text, ",\"detail\":{}", serde_json::Value::from(place))
            .expect("writing to a string cannot fail");
    }
    text.push('}');
    text.into()
}
