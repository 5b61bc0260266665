//! What masks show and what they do not, by example and by property.

use proptest::prelude::*;

use super::*;

const TEXTS: [Mask; 11] = [
    Mask::Name,
    Mask::Phone,
    Mask::IdNumber,
    Mask::Address,
    Mask::BankCard,
    Mask::YearOnly,
    Mask::MonthOnly,
    Mask::Email,
    Mask::Plate,
    Mask::Prefix(NonZeroU32::new(4).unwrap()),
    Mask::Suppress,
];

#[test]
fn masks_by_example() {
    for (name, plain, masked) in [
        ("name", "张三丰", "张**"),
        ("name", "李", "*"),
        ("name", "", ""),
        ("phone", "13800005678", "138****5678"),
        ("phone", "1380000567", "**********"),
        ("phone", "1380000567８", "***********"),
        ("id_number", "11010519491231002X", "1****************X"),
        ("id_number", "11010519491231002x", "******************"),
        // 18 bytes, the last three of them one character.
        ("id_number", "110105194912310\u{fffd}", "****************"),
        ("id_number", "110105491231002", "***************"),
        ("address", "山东省烟台市莱山区观海路1号", "山东省烟台市莱山区***"),
        ("address", "建国路88号院3区2号楼", "***"),
        ("address", "北京市昌平区天通苑小区5号楼3单元201室", "北京市昌平区***"),
        ("address", "杭州市西湖区翠苑社区3栋", "杭州市西湖区***"),
        ("address", "湖北省仙桃市丝宝小区", "湖北省仙桃市***"),
        ("address", "江苏省苏州市吴江区盛泽开发区", "江苏省苏州市吴江区***"),
        ("address", "四川省攀枝花市迎春家属区四单元", "四川省攀枝花市***"),
        ("address", "江苏省苏州工业园区星湖街", "江苏省***"),
        ("address", "上海市曹安花卉市场", "上海市***"),
        ("address", "山东省烟台市莱州市文昌北路", "山东省烟台市莱州市***"),
        ("address", "新疆维吾尔自治区喀什地区疏附县托克扎克镇", "新疆维吾尔自治区喀什地区疏附县***"),
        ("address", "吉林省延边朝鲜族自治州延吉市北山小区", "吉林省延边朝鲜族自治州延吉市***"),
        ("address", "内蒙古自治区锡林郭勒盟苏尼特左旗满都拉图镇", "内蒙古自治区锡林郭勒盟苏尼特左旗***"),
        ("address", "上海市浦东新区张江高科技园区", "上海市浦东新区***"),
        ("address", "山西省晋城市城区凤台小区", "山西省晋城市城区***"),
        ("address", "山东省济南市红旗新村", "山东省济南市***"),
        ("address", "四川省成都市金牛区沙湾路", "四川省成都市金牛区***"),
        ("address", "福建省厦门市思明区", "福建省厦门市思明区***"),
        ("address", "北京市昌平区超市二层", "北京市昌平区***"),
        ("address", "", "***"),
        ("bank_card", "6222020000001234567", "***************4567"),
        ("bank_card", "62220200", "********"),
        ("year_only", "1987-03-02", "1987"),
        ("year_only", "19870302", "1987"),
        ("year_only", "3 March 1987", "****"),
        ("month_only", "1987-03-02", "1987-03"),
        ("month_only", "19870302", "1987-03"),
        ("month_only", "03-1987", "****-**"),
        ("email", "zhang.san@example.com", "***@example.com"),
        ("email", "a@b@example.com", "***@example.com"),
        ("email", "zhang.san@1380000 5678", "***"),
        ("email", "@example.com", "***"),
        ("plate", "鲁F12345", "鲁F*****"),
        ("plate", "鲁FD12345", "鲁F******"),
        ("plate", "13800005678", "***********"),
        ("prefix(2)", "690101", "69****"),
        ("prefix(2)", "69", "**"),
        ("prefix(2)", "六九零一", "****"),
        ("suppress", "anything", "***"),
    ] {
        assert_eq!(Mask::from_name(name).unwrap().text(plain), masked, "{name} {plain}");
    }
}

#[test]
fn bands_by_example() {
    let ten = Mask::from_name("band(10)").unwrap();
    for (plain, masked) in [(30, "30-39"), (39, "30-39"), (0, "0-9"), (-1, "-10--1")] {
        assert_eq!(ten.integer(plain), masked);
    }
    for name in ["band(0)", "band(-1)", "band()", "band(1", "band", "Name", ""] {
        assert_eq!(Mask::from_name(name), None, "{name}");
    }
    assert_eq!(ten.integer(i64::MIN), "-9223372036854775810--9223372036854775801");
}

/// How many characters of the plain text each mask may leave standing.
fn revealed_max(mask: Mask) -> usize {
    match mask {
        Mask::Name => 1,
        Mask::Phone => 7,
        Mask::IdNumber => 2,
        Mask::Address => ADDRESS_KEPT_MAX,
        Mask::BankCard | Mask::YearOnly => 4,
        Mask::MonthOnly => 7,
        // All of it but the local part may be the domain; a test of its own looks at that.
        Mask::Email => 64,
        Mask::Plate => 2,
        Mask::Prefix(kept) => kept.get() as usize,
        Mask::Band(_) | Mask::Suppress | Mask::Pseudonym | Mask::Noise(_) => 0,
    }
}

fn plain() -> impl Strategy<Value = String> {
    let alphabet = "[张王0-9a-zX省市区路号１九\\-/ ]{0,40}";
    prop_oneof![
        alphabet,
        "1[0-9]{10}",
        "[0-9]{17}[0-9X]",
        "[0-9]{12,19}",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}",
        "[鲁京][A-F][A-Z0-9]{5,6}",
        "[a-z.]{1,9}@[a-z]{1,9}\\.(cn|com)",
        ".{0,40}"
    ]
}

proptest! {
    #[test]
    fn no_mask_reveals_more_than_it_states(plain in plain()) {
        for mask in TEXTS {
            let masked = mask.text(&plain);
            let standing = masked.chars().filter(|&c| c != '*').count();
            prop_assert!(standing <= revealed_max(mask), "{mask:?}");
            let keeps_length = matches!(
                mask,
                Mask::Name | Mask::Phone | Mask::IdNumber | Mask::BankCard | Mask::Plate | Mask::Prefix(_)
            );
            if keeps_length {
                prop_assert_eq!(masked.chars().count(), plain.chars().count());
            }
        }
    }

    /// What was masked once shows no less masked again: masking on top of a service's own masking is harmless.
    #[test]
    fn e3_masking_again_never_reveals_more(plain in plain()) {
        for mask in TEXTS {
            let once = mask.text(&plain);
            let twice = mask.text(&once);
            let standing = |text: &str| text.chars().filter(|&c| c != '*').count();
            prop_assert!(standing(&twice) <= standing(&once), "{mask:?}");
            if matches!(mask, Mask::Name | Mask::Address | Mask::Email | Mask::Suppress | Mask::MonthOnly) {
                prop_assert_eq!(&twice, &once, "{:?} is idempotent", mask);
            }
        }
    }

    /// Two texts that differ only in what a mask covers come out alike: nothing of the covered part is left.
    #[test]
    fn e3_what_is_covered_leaves_no_trace(a in "[0-9]{4}", b in "[0-9]{4}") {
        for (mask, form) in [
            (Mask::Phone, "138....5678"),
            (Mask::IdNumber, "1101051949123....X"),
            (Mask::Email, "z....@example.com"),
            (Mask::Plate, "鲁F1...."),
        ] {
            let filled = |digits: &str| mask.text(&form.replace("....", digits));
            prop_assert_eq!(filled(&a), filled(&b), "{:?}", mask);
        }
    }

    /// Noise stays within its bound and is the same for the same value: asking again teaches nothing.
    #[test]
    fn e3_noise_is_bounded_and_never_averages_out(plain in any::<i64>(), most in 1_u32..1_000) {
        let (key, other) = (MaskKey::new(&[1; 32]), MaskKey::new(&[2; 32]));
        let most = NonZeroU32::new(most).unwrap();
        let noised = Mask::noised(plain, most, "/age", &key);
        prop_assert!(noised.abs_diff(plain) <= u64::from(most.get()));
        prop_assert_eq!(noised, Mask::noised(plain, most, "/age", &key));
        let wide = NonZeroU32::new(u32::MAX).unwrap();
        let plain = plain / 2;
        // No table of one subject's values serves for another's.
        let (zhang, li) = (key.about(b"zhang"), key.about(b"li"));
        prop_assert_ne!(Mask::noised(plain, wide, "/age", &zhang), Mask::noised(plain, wide, "/age", &li));
        prop_assert_eq!(Mask::pseudonym("370602", "/id", &zhang), Mask::pseudonym("370602", "/id", &li));
        prop_assert_ne!(Mask::noised(plain, wide, "/age", &key), Mask::noised(plain, wide, "/age", &other));
        prop_assert_ne!(Mask::noised(plain, wide, "/age", &key), Mask::noised(plain, wide, "/sum", &key));
    }

    /// A pseudonym is one per text, leaf and key, and has one length.
    #[test]
    fn e3_pseudonyms_join_within_a_scenario_and_nowhere_else(a in ".{0,20}", b in ".{0,20}") {
        let (key, other) = (MaskKey::new(&[1; 32]), MaskKey::new(&[2; 32]));
        let made = Mask::pseudonym(&a, "/id", &key);
        prop_assert_eq!(made.len(), 22);
        prop_assert_eq!(&made, &Mask::pseudonym(&a, "/id", &key));
        prop_assert_eq!(made == Mask::pseudonym(&b, "/id", &key), a == b);
        prop_assert_ne!(&made, &Mask::pseudonym(&a, "/id", &other));
        prop_assert_ne!(&made, &Mask::pseudonym(&a, "/other", &key));
    }

    /// An address shows no digit, ever: house numbers identify.
    #[test]
    fn addresses_show_no_digit(plain in plain()) {
        prop_assert!(!Mask::Address.text(&plain).chars().any(char::is_numeric));
    }

    #[test]
    fn a_band_holds_its_integer(plain in -1_000_000_i64..1_000_000, width in 1_u32..1_000) {
        let masked = Mask::Band(NonZeroU32::new(width).unwrap()).integer(plain);
        let cut = masked[1..].find('-').unwrap() + 1;
        let (low, high): (i64, i64) = (masked[..cut].parse().unwrap(), masked[cut + 1..].parse().unwrap());
        prop_assert!(low <= plain && plain <= high);
        prop_assert_eq!(high - low + 1, i64::from(width));
        prop_assert_eq!(low.rem_euclid(i64::from(width)), 0);
    }
}
