//! The fictional areas of the register: one city of sixteen districts and counties under the unassigned
//! province `69`.

/// One district or county.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// Six digits, of the form of GB/T 2260.
    pub code: &'static str,
    /// Name.
    pub name: &'static str,
}

const fn area(code: &'static str, name: &'static str) -> Area {
    Area { code, name }
}

/// The city that holds all areas.
pub(super) const CITY: &str = "云泽市";

/// All areas, by code, without a gap from 690101.
pub const AREAS: [Area; 16] = [
    area("690101", "云屏区"),
    area("690102", "霁川区"),
    area("690103", "望澜区"),
    area("690104", "澄溪区"),
    area("690105", "晴岚区"),
    area("690106", "听潮区"),
    area("690107", "揽月区"),
    area("690108", "拾穗区"),
    area("690109", "枕山县"),
    area("690110", "漱玉县"),
    area("690111", "临渊县"),
    area("690112", "星野县"),
    area("690113", "知秋县"),
    area("690114", "鹿鸣县"),
    area("690115", "松涛县"),
    area("690116", "白露县"),
];

/// Position of the area with this code.
pub(super) fn position(code: &str) -> Option<usize> {
    AREAS.iter().position(|area| area.code == code)
}
