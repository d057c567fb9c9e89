use super::busday::{BusinessCalendar, Roll, Weekmask};
use super::format::{Precision, Zone, civil_text, datetime_text, timedelta_text};
use super::parse::parse;
use super::*;

/// Parses and writes back in the unit the text suggests; errors as their text.
fn check(text: &str, expected: &str) {
    let got = parse(text, None, Casting::SameKind).and_then(|p| match p.date {
        None => Ok("NaT".to_owned()),
        Some(date) => civil_text(date, Precision::Unit(p.unit), Zone::Naive, Casting::Unsafe),
    });
    assert_eq!(got.unwrap_or_else(|e| e.to_string()), expected, "{text}");
}

#[test]
fn texts() {
    for same in
        ["2011", "-2011", "12011-01-01", "2011-03", "2011-03-12T13", "2011-03-12T13:05:06.123456789012345678"]
    {
        check(same, same);
    }
    check("nAt", "NaT");
    check("", "NaT");
    check("1", "0001");
    check("-0001-01-01", "-001-01-01");
    check("--05-06", "0000-05-06");
    check(" 2011-03-12 13:00 ", "2011-03-12T13:00");
    check("2011-03-12T13:00:00.", "2011-03-12T13:00:00.000");
    check("2011-03-12T13:05:06.1234", "2011-03-12T13:05:06.123400");
    check("2011-03-12T13:05:06.123456", "2011-03-12T13:05:06.123456");
    check("2011-03-12T13:00+23:59", "2011-03-11T13:01");
    check(
        "2011-03-12T13:00-0130Z",
        "Error parsing datetime string \"2011-03-12T13:00-0130Z\" at position 21",
    );
    check("2011-3", "Error parsing datetime string \"2011-3\" at position 5");
    check("2011-", "Error parsing datetime string \"2011-\" at position 5");
    check("2011-01-01T", "Error parsing datetime string \"2011-01-01T\" at position 11");
    check("2011-03-12T13:00 Z", "Error parsing datetime string \"2011-03-12T13:00 Z\" at position 17");
    check("1900-02-29", "Day out of range in datetime string \"1900-02-29\"");
    check("2011-01-01T24", "Hours out of range in datetime string \"2011-01-01T24\"");
    check(
        "2011-03-12T13:00+25",
        "Timezone hours offset out of range in datetime string \"2011-03-12T13:00+25\"",
    );
    assert!(parse("2011-03-12T13Z", None, Casting::Safe).is_ok_and(|p| p.zoned));
    assert!(parse("2011-03-12", Some(Unit::Month), Casting::Safe).is_err());
    assert!(parse("today", None, Casting::Safe).is_ok_and(|p| p.unit == Unit::Day && p.date.is_some()));
}

#[test]
fn ticks_go_both_ways() {
    for unit in Unit::ALL {
        for ticks in [0, 1, -1, 59, -61, 1_234_567, -7_654_321, i64::from(i32::MAX)] {
            for num in [1, 7] {
                let meta = Meta::new(unit, num);
                let back = Civil::from_ticks(ticks, meta).map(|c| c.to_ticks(meta));
                assert_eq!(back, (unit != Unit::Generic).then_some(Ok(ticks)), "{meta:?} {ticks}");
            }
        }
    }
    let far = Civil::from_ticks(i64::MAX, Unit::Second.into()).map(|c| (c.year, c.month, c.day, c.hour));
    assert_eq!(far, Some((292_277_026_596, 12, 4, 15)));
    assert_eq!(Civil::from_ticks(NAT, Unit::Day.into()), None);
}

#[test]
fn conversions() {
    let timedelta = |count, from: Meta, to: Meta| Converter::timedelta(from, to).map(|c| c.apply(count));
    let (s7, m2) = (Meta::new(Unit::Second, 7), Meta::new(Unit::Minute, 2));
    assert_eq!(timedelta(100, s7, m2), Ok(5));
    assert_eq!(timedelta(-100, s7, m2), Ok(-6));
    assert_eq!(timedelta(100, Unit::Year.into(), Unit::Day.into()), Ok(36_524));
    assert_eq!(timedelta(-100, Unit::Year.into(), Unit::Day.into()), Ok(-36_525));
    assert_eq!(timedelta(-100, Unit::Day.into(), Unit::Month.into()), Ok(-4));
    assert_eq!(timedelta(NAT, Unit::Year.into(), Unit::Day.into()), Ok(NAT));
    assert_eq!(timedelta(1 << 62, Unit::Hour.into(), Unit::Second.into()), Ok(0));
    assert_eq!(timedelta(1, Unit::Second.into(), Meta::GENERIC), Err(DatetimeError::ToGeneric));
    let overflow = Err(DatetimeError::FactorOverflow(Unit::Year, Unit::Atto));
    assert_eq!(timedelta(1, Unit::Atto.into(), Unit::Year.into()), overflow);
    let datetime = |count, from: Meta, to: Meta| Converter::datetime(from, to).map(|c| c.apply(count));
    assert_eq!(datetime(41, Unit::Year.into(), Unit::Day.into()), Ok(14_975));
    assert_eq!(datetime(-1, Unit::Day.into(), Unit::Month.into()), Ok(-1));
    assert_eq!(datetime(-13, Unit::Month.into(), Meta::new(Unit::Year, 3)), Ok(-1));
    // A dtype may have a multiple of zero.
    assert_eq!(datetime(5, Unit::Day.into(), Meta::new(Unit::Year, 0)), Ok(0));
}

#[test]
fn formats() {
    let noon = 15_045 * 24 + 12; // 2011-03-12T12
    let text = |p, z, c| datetime_text(noon, Unit::Hour.into(), p, z, c);
    let day = Precision::Unit(Unit::Day);
    assert_eq!(text(Precision::Auto, Zone::Naive, Casting::Safe).as_deref(), Ok("2011-03-12T12:00"));
    assert_eq!(text(Precision::Auto, Zone::Utc, Casting::Safe).as_deref(), Ok("2011-03-12T12:00Z"));
    let zone = Zone::Offset(-150);
    assert_eq!(text(Precision::Auto, zone, Casting::Safe).as_deref(), Ok("2011-03-12T09:30-0230"));
    assert_eq!(text(day, zone, Casting::SameKind), Err(DatetimeError::FormatLocal));
    assert_eq!(text(day, Zone::Utc, Casting::SameKind).as_deref(), Ok("2011-03-12"));
    let refused = DatetimeError::FormatUnit { from: Unit::Hour, to: Unit::Day, casting: Casting::Safe };
    assert_eq!(text(day, Zone::Utc, Casting::Safe), Err(refused));
    assert_eq!(timedelta_text(5, Meta::new(Unit::Second, 25)), "125 seconds");
}

#[test]
fn business_days() {
    let day = |text: &str| match parse(text, None, Casting::SameKind) {
        Ok(p) => p.to_ticks(Unit::Day.into()).unwrap_or(NAT),
        Err(_) => NAT,
    };
    let plain = BusinessCalendar::new(Weekmask::default(), Vec::new());
    let saturday = day("2011-03-12");
    assert_eq!(plain.roll(saturday, Roll::Following), Ok(day("2011-03-14")));
    assert_eq!(plain.roll(day("2011-04-30"), Roll::ModifiedFollowing), Ok(day("2011-04-29")));
    assert_eq!(plain.roll(saturday, Roll::Raise), Err(DatetimeError::NotBusinessDay));
    assert_eq!(plain.offset(NAT, 5, Roll::Nat), Ok(NAT));
    let holidays = ["2011-03-10", "2011-03-09", "", "2011-03-09", "2011-03-12"].map(day).to_vec();
    let calendar = BusinessCalendar::new(Weekmask::default(), holidays);
    assert_eq!(calendar.holidays(), [day("2011-03-09"), day("2011-03-10")]);
    assert_eq!(calendar.offset(day("2011-03-11"), -1, Roll::Raise), Ok(day("2011-03-08")));
    assert_eq!(plain.count(day("2011-01-01"), day("2011-02-01")), Ok(21));
    assert_eq!(plain.count(day("2011-02-01"), day("2011-01-01")), Ok(-22));
    assert_eq!("Mon  Tuex".parse::<Weekmask>(), Err(DatetimeError::WeekmaskText("Mon  Tuex".into())));
    assert_eq!("MonFri".parse::<Weekmask>().map(|m| m.days()[4]), Ok(true));
}
