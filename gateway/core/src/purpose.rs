//! Classes of purpose (使用目的), by which the field decides what is free and what is paid.

/// The class of purpose of an approved scenario. It comes from the approval, never from a request (REQUIREMENTS F1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PurposeClass {
    /// 公共治理: free.
    PublicGovernance,
    /// 公益事业: free.
    PublicWelfare,
    /// 产业发展: paid.
    Industry,
    /// 行业发展: paid.
    Sector,
}

impl PurposeClass {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::PublicGovernance, Self::PublicWelfare, Self::Industry, Self::Sector];

    /// Its name, as world files and consents write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PublicGovernance => "public-governance",
            Self::PublicWelfare => "public-welfare",
            Self::Industry => "industry",
            Self::Sector => "sector",
        }
    }

    /// Whether use for this purpose is free (Yantai 20, Gansu-O 29).
    #[must_use]
    pub const fn is_free(self) -> bool {
        matches!(self, Self::PublicGovernance | Self::PublicWelfare)
    }
}
