//! Text and names have one spelling; every other one is refused by its place.

use serde_json::{Value, json};
use shuzha_core::Code;

use super::compiled;
use crate::input::{InputContract, plain, strict};

fn contract() -> InputContract {
    compiled(&json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "name": {"type": "string", "format": "person-name", "maxLength": 50},
            "company": {"type": "string", "format": "organisation-name", "maxLength": 100},
            "remarks": {"type": "array", "items": {"type": "string"}},
            "more": {"type": "object", "additionalProperties": true},
        },
    }))
}

/// Where `body` is refused, if it is.
fn refused(body: &Value) -> Option<String> {
    let contract = contract();
    let read = strict::parse(body.to_string().as_bytes()).expect("JSON");
    let end = contract.meets(&read).map(|_| ()).and_then(|()| plain::check(&contract.nodes, &read));
    end.err().map(|refusal| {
        assert_eq!(refusal.code, Code::C302);
        refusal.at.expect("a place")
    })
}

/// Issue 13, section 1: each was compared as bytes, answered 不一致 and paid for.
#[test]
fn spellings_that_no_register_has_are_refused_by_place() {
    assert_eq!(refused(&json!({"name": "阿里木·买买提", "company": "云泽（北京）科技有限公司"})), None);
    for name in [
        "阿里木•买买提",
        "阿里木・买买提",
        "阿里木‧买买提",
        "阿里木.买买提",
        "阿里木．买买提",
        "阿里木\u{387}买买提",
        "ＪＯＨＮ",
        "张\u{a0}三",
        "张\u{200b}三",
        "张\u{e863}",
        "张\u{202e}三",
        "张\0三",
        "Jose\u{301}",
    ] {
        assert_eq!(refused(&json!({"name": name})).as_deref(), Some("/name"), "{name:?}");
    }
    for company in ["云泽(北京)科技有限公司", "云泽\u{a0}科技", "ＹＵＮＺＥ", "云泽•科技", "云泽\u{200b}科技"]
    {
        assert_eq!(refused(&json!({"company": company})).as_deref(), Some("/company"), "{company:?}");
    }
}

#[test]
fn text_of_every_field_is_plain() {
    assert_eq!(refused(&json!({"remarks": ["一行\n两行", "全角　空格", "ＡＢＣ"]})), None);
    for text in ["a\0", "a\u{200b}", "a\u{202e}b", "\u{e000}", "e\u{301}", "\u{feff}"] {
        assert_eq!(refused(&json!({"remarks": ["", text]})).as_deref(), Some("/remarks/1"), "{text:?}");
        assert_eq!(
            refused(&json!({"more": {"x": {"name": text}}})).as_deref(),
            Some("/more/*/name"),
            "{text:?}"
        );
        assert_eq!(refused(&json!({"more": {text: 1}})).as_deref(), Some("/more/*"), "{text:?}");
    }
}
