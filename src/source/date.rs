//! Calendar dates. zonec compares dates and counts days; it never asks a clock.

use std::fmt;
use std::str::FromStr;

/// A calendar date (proleptic Gregorian), ordered by time. Written `YYYY-MM-DD` (ISO 8601).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// 1970-01-01.
    pub const EPOCH: Self = Self { year: 1970, month: 1, day: 1 };

    /// The date of a civil year, month and day; `None` when there is no such day.
    #[must_use]
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let valid = (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month) && year >= 1;
        valid.then_some(Self { year, month, day })
    }

    /// Year, month and day.
    #[must_use]
    pub const fn parts(self) -> (u16, u8, u8) {
        (self.year, self.month, self.day)
    }

    /// Days since 1970-01-01; negative before it.
    #[must_use]
    pub fn days(self) -> i64 {
        // Days from civil: years are counted from March so that the leap day comes last.
        let (y, m, d) = (i64::from(self.year), i64::from(self.month), i64::from(self.day));
        let y = if m <= 2 { y - 1 } else { y };
        let era = y.div_euclid(400);
        let yoe = y - era * 400;
        let doy = (153 * ((m + 9) % 12) + 2) / 5 + d - 1;
        let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
        era * 146_097 + doe - 719_468
    }

    /// The date a number of days after 1970-01-01.
    #[must_use]
    pub fn from_days(days: i64) -> Option<Self> {
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z - era * 146_097;
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = doy - (153 * mp + 2) / 5 + 1;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let year = yoe + era * 400 + i64::from(month <= 2);
        Self::new(u16::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
    }

    /// Days from this date to a later one; negative when `other` is earlier.
    #[must_use]
    pub fn days_until(self, other: Self) -> i64 {
        other.days() - self.days()
    }

    /// The same day a number of months later; the last day of that month when it is shorter.
    #[must_use]
    pub fn plus_months(self, months: u16) -> Option<Self> {
        let index = u32::from(self.year) * 12 + u32::from(self.month) - 1 + u32::from(months);
        let year = u16::try_from(index / 12).ok()?;
        let month = u8::try_from(index % 12 + 1).ok()?;
        Self::new(year, month, self.day.min(days_in_month(year, month)))
    }
}

fn days_in_month(year: u16, month: u8) -> u8 {
    let leap = (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl<'de> serde::Deserialize<'de> for Date {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom(format!("`{text}` is no date")))
    }
}

impl FromStr for Date {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let bytes = text.as_bytes();
        let shaped = bytes.len() == 10
            && bytes.iter().enumerate().all(|(i, b)| if i == 4 || i == 7 { *b == b'-' } else { b.is_ascii_digit() });
        if !shaped {
            return Err(());
        }
        let number = |range: std::ops::Range<usize>| text.get(range).and_then(|t| t.parse::<u16>().ok()).ok_or(());
        let (month, day) = (number(5..7)?, number(8..10)?);
        Self::new(number(0..4)?, month as u8, day as u8).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_back() {
        for days in -200_000..200_000 {
            let date = Date::from_days(days);
            assert_eq!(date.map(Date::days), Some(days));
        }
    }

    #[test]
    fn refuses_days_that_do_not_exist() {
        for text in ["2026-02-29", "2026-13-01", "2026-00-10", "2026-1-01", "26-01-01", "2026-01-01x"] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
        assert_eq!(
            "2028-02-29".parse::<Date>().map(|d| d.plus_months(12).map(|d| d.to_string())),
            Ok(Some("2029-02-28".into()))
        );
    }
}
