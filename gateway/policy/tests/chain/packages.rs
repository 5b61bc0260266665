//! E9: every unit gets a file of its own, whole or in ranges, that says whose it is; what was handed over is committed to.

use bytes::Bytes;
use ring::digest::{SHA256, digest};
use shuzha_evidence::{Commitment, Entry};
use shuzha_policy::call::MarkFault;
use shuzha_policy::{Payload, Reply};
use shuzha_privacy::watermark::{Layout, Watermarks, trace};

use crate::calls::Ask;
use crate::gateway::{TestGateway, WATERMARK_KEY};
use crate::upstream::{Fake, Say};

/// The columns that the demo's world declares.
const COLUMNS: [&str; 12] = [
    "uscc",
    "name",
    "area",
    "area_name",
    "section",
    "status",
    "founding_period",
    "age_band",
    "capital_band",
    "size_grade",
    "vitality_index",
    "activity_index",
];

fn original() -> String {
    let mut text = COLUMNS.join(",") + "\n";
    for row in 0..3_000 {
        text += &format!(
            "9169{row:014},某公司,690114,鹿鸣,C,存续,2015-2019,5-9年,1亿以上,A,75,{}\n",
            1_000 + row * 7 % 9_000
        );
    }
    text
}

fn ask() -> Ask {
    Ask::new("study-1", "enterprise-list", "download", "study-sample")
}

/// What a caller gets whose service opens `original`, in pieces, and the head's `ETag` and `Content-Range`.
async fn download(
    house: &TestGateway,
    ask: &Ask,
    original: &str,
) -> (Vec<u8>, String, Option<String>, Reply<()>) {
    let fake = Fake::new([Say::Whole(original.len() as u64)]);
    let mut reply = house.call(ask, &fake).await;
    let Payload::Stream { length, content_range, etag, delivery, .. } = &mut reply.payload else {
        panic!("not opened: {}", crate::gateway::outcome(&reply))
    };
    let mut file = Vec::new();
    for piece in original.as_bytes().chunks(1_000) {
        let leaves = delivery.pass(Bytes::copy_from_slice(piece)).expect("it is what was declared");
        delivery.wrote(leaves.len());
        file.extend_from_slice(&leaves);
    }
    let leaves = delivery.end().expect("it is what was declared");
    delivery.wrote(leaves.len());
    file.extend_from_slice(&leaves);
    delivery.completed();
    assert_eq!(*length, Some(file.len() as u64), "as long as it says");
    let text = |value: &http::HeaderValue| value.to_str().expect("ASCII").to_owned();
    let (etag, content_range) = (etag.as_ref().map(text), content_range.as_ref().map(text));
    (file, etag.expect("a tag of its own"), content_range, reply)
}

#[tokio::test]
async fn e9_every_unit_gets_a_file_of_its_own_whole_or_in_ranges() {
    let house = TestGateway::new();
    let original = original();
    let (file, etag, range, _) = download(&house, &ask(), &original).await;
    assert_eq!((file.len(), range), (original.len(), None));
    assert_ne!(file, original.as_bytes());
    assert_ne!(etag, "\"v1\"");
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let layout =
        Layout::new(names(&COLUMNS), &names(&["uscc"]), &names(&["activity_index"])).expect("a layout");
    let marks = Watermarks::new(&WATERMARK_KEY).product("enterprise-list");
    let found =
        trace(&layout, &marks, ["bank", "study", "probe"].into_iter(), &*file).expect("it reads").found;
    assert_eq!(found.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["study"]);
    // Ranges are those of the unit's own file, and only while that is the one that it has a part of.
    for (asked, first, last) in
        [("bytes=5000-5999", 5_000, 5_999), ("bytes=-100", file.len() - 100, file.len() - 1)]
    {
        let ranged = ask().with("range", asked);
        let (part, tag, stated, reply) = download(&house, &ranged, &original).await;
        assert_eq!((reply.status, &part[..], &tag), (206, &file[first..=last], &etag));
        assert_eq!(stated, Some(format!("bytes {first}-{last}/{}", file.len())));
        let (part, _, _, reply) = download(&house, &ranged.clone().with("if-range", &etag), &original).await;
        assert_eq!((reply.status, &part[..]), (206, &file[first..=last]));
        let (whole, _, _, reply) = download(&house, &ranged.with("if-range", "\"v1\""), &original).await;
        assert_eq!((reply.status, whole), (200, file.clone()));
    }
}

#[tokio::test]
async fn e9_the_record_of_a_delivery_commits_to_the_bytes_that_were_handed_over() {
    let house = TestGateway::new();
    let (file, _, _, reply) = download(&house, &ask(), &original()).await;
    let request = reply.request;
    drop(reply);
    let sha256 = digest(&SHA256, &file).as_ref().try_into().expect("32 bytes");
    let keys = house.gate.keys().periods.at(house.now()).expect("its half-year's key is there");
    let expected: Commitment = keys.opening(request.as_bytes()).delivered(&request, &sha256);
    let delivered = |records: &[shuzha_journal::RawRecord]| {
        let found = records.iter().find_map(|record| match record.entry() {
            Ok(Entry::Delivery(delivery)) => Some((delivery.bytes, delivery.complete, delivery.digest)),
            _ => None,
        });
        found.expect("a delivery was recorded")
    };
    assert_eq!(delivered(&house.records().await), (file.len() as u64, true, Some(expected)));
    // One that broke off is counted, and commits to nothing.
    let house = TestGateway::new();
    let reply = house.call(&ask(), &Fake::new([Say::Whole(9)])).await;
    let Payload::Stream { mut delivery, .. } = reply.payload else { panic!("not opened") };
    delivery.wrote(5);
    drop(delivery);
    assert_eq!(delivered(&house.records().await), (5, false, None));
}

#[tokio::test]
async fn e9_of_a_file_that_is_not_what_was_declared_nothing_leaves() {
    let house = TestGateway::new();
    let reply = house.call(&ask(), &Fake::new([Say::Whole(90)])).await;
    let Payload::Stream { mut delivery, .. } = reply.payload else { panic!("not opened") };
    let raw = Bytes::from_static("姓名,证件号码\n张三,690113200205284265\n".as_bytes());
    assert_eq!(delivery.pass(raw), Err(MarkFault::Header));
}
