//! Line charts: numbers to places on a canvas. `templates/chart.svg` draws them.

use askama::Template;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 240.0;
/// Room for labels: left, right, top, bottom.
const MARGIN: (f64, f64, f64, f64) = (52.0, 12.0, 12.0, 26.0);
/// With more points than this only the last is marked.
const MOST_DOTS: usize = 150;

/// A line: a name, and points with what to say about each.
#[derive(Clone, Debug, Default)]
pub struct Series {
    pub name: String,
    pub points: Vec<Point>,
}

#[derive(Clone, Debug)]
pub struct Point {
    pub x: f64,
    pub y: f64,
    pub title: String,
}

/// An axis from `low` to `high` with labelled places.
#[derive(Clone, Debug)]
pub struct Axis {
    low: f64,
    high: f64,
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// A linear axis around `values` with round labels.
    pub fn linear(values: impl Iterator<Item = f64>, label: impl Fn(f64) -> String) -> Axis {
        let (low, high) = bounds(values);
        let step = round_step((high - low) / 4.0);
        let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
        let count = ((high - low) / step).round() as usize;
        let ticks = (0..=count).map(|i| low + i as f64 * step).map(|at| (at, label(at))).collect();
        Axis { low, high, ticks }
    }

    /// An axis whose values are logarithms to the base 2, labelled with the numbers themselves.
    pub fn ratios(values: impl Iterator<Item = f64>) -> Axis {
        let (low, high) = bounds(values.chain([0.0]));
        let (low, high) = (low.floor(), high.ceil());
        let step = ((high - low) / 6.0).ceil().max(1.0);
        let count = ((high - low) / step).ceil() as usize;
        let ticks: Vec<(f64, String)> =
            (0..=count).map(|i| low + i as f64 * step).map(|at| (at, ratio(at.exp2()))).collect();
        let high = ticks[ticks.len() - 1].0;
        Axis { low, high, ticks }
    }

    /// An axis with given labels.
    pub fn labelled(ticks: Vec<(f64, String)>) -> Axis {
        let (low, high) = bounds(ticks.iter().map(|(at, _)| *at));
        Axis { low, high, ticks }
    }

    fn place(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

/// A ratio with as many digits as it deserves.
pub fn ratio(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// The smallest and the largest, never equal.
fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        (0.0, 1.0)
    } else if low == high {
        (low - 0.5, high + 0.5)
    } else {
        (low, high)
    }
}

/// 1, 2 or 5 times a power of ten, at least `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= least * 0.999)
        .unwrap_or(power)
}

#[derive(Template)]
#[template(path = "chart.svg")]
pub struct Chart {
    title: String,
    width: f64,
    height: f64,
    right: f64,
    bottom: f64,
    left: f64,
    x_ticks: Vec<(String, String)>,
    y_ticks: Vec<(String, String)>,
    lines: Vec<Line>,
}

struct Line {
    name: String,
    path: String,
    dots: Vec<Dot>,
}

struct Dot {
    x: String,
    y: String,
    title: String,
}

impl Chart {
    pub fn new(title: impl Into<String>, x: &Axis, y: &Axis, series: &[Series]) -> Chart {
        let (left, right, top, bottom) = MARGIN;
        let across = |value: f64| format!("{:.1}", left + x.place(value) * (WIDTH - left - right));
        let up = |value: f64| format!("{:.1}", HEIGHT - bottom - y.place(value) * (HEIGHT - top - bottom));
        let lines = series.iter().map(|series| {
            let last = series.points.len().saturating_sub(1);
            let marked = |(i, _): &(usize, &Point)| series.points.len() <= MOST_DOTS || *i == last;
            let dot = |(_, point): (usize, &Point)| Dot {
                x: across(point.x),
                y: up(point.y),
                title: point.title.clone(),
            };
            let steps = series.points.iter().map(|p| format!("{},{}", across(p.x), up(p.y)));
            Line {
                name: series.name.clone(),
                path: steps.collect::<Vec<_>>().join(" "),
                dots: series.points.iter().enumerate().filter(marked).map(dot).collect(),
            }
        });
        Chart {
            title: title.into(),
            width: WIDTH,
            height: HEIGHT,
            right: WIDTH - right,
            bottom: HEIGHT - bottom,
            left,
            x_ticks: x.ticks.iter().map(|(at, label)| (across(*at), label.clone())).collect(),
            y_ticks: y.ticks.iter().map(|(at, label)| (up(*at), label.clone())).collect(),
            lines: lines.collect(),
        }
    }
}

/// Days since 1970 of a date like `2026-11-28T11:20:20Z`.
pub fn days(date: &str) -> f64 {
    let since =
        humantime::parse_rfc3339(date).ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    since.map_or(0.0, |duration| duration.as_secs_f64() / 86400.0)
}

/// An axis of dates: the first, the last, and some between.
pub fn dates<'a>(dates: impl Iterator<Item = &'a str>) -> Axis {
    let mut dates: Vec<(f64, &str)> =
        dates.map(|date| (days(date), date.get(..10).unwrap_or(date))).collect();
    dates.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (Some(first), Some(last)) = (dates.first().copied(), dates.last().copied()) else {
        return Axis::labelled(Vec::new());
    };
    let mut ticks = vec![(first.0, first.1.to_string())];
    let span = last.0 - first.0;
    for part in 1..4 {
        let wanted = first.0 + span * f64::from(part) / 4.0;
        if let Some(near) = dates.iter().min_by(|a, b| (a.0 - wanted).abs().total_cmp(&(b.0 - wanted).abs()))
        {
            let clear = ticks.iter().all(|(at, _)| (near.0 - at).abs() > span * 0.2);
            let new = ticks.iter().all(|(_, label)| label != near.1) && near.1 != last.1;
            if clear && new && last.0 - near.0 > span * 0.2 {
                ticks.push((near.0, near.1.to_string()));
            }
        }
    }
    if last.1 != first.1 {
        ticks.push((last.0, last.1.to_string()));
    }
    Axis { ticks, ..Axis::labelled(vec![(first.0, String::new()), (last.0, String::new())]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_labels() {
        let labels = |axis: &Axis| axis.ticks.iter().map(|(_, label)| label.clone()).collect::<Vec<_>>();
        let linear =
            |low: f64, high: f64| labels(&Axis::linear([low, high].into_iter(), |at| format!("{at}")));
        assert_eq!(linear(41200.0, 47530.0), ["40000", "42000", "44000", "46000", "48000"]);
        assert_eq!(linear(7.0, 7.0), ["6.5", "7", "7.5"]);
        let ratios = Axis::ratios([-1.2, 3.0].into_iter());
        assert_eq!(labels(&ratios), ["0.25", "0.50", "1.00", "2.00", "4.00", "8.00"]);
        let dates =
            dates(["2026-01-05T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"].into_iter());
        assert_eq!(labels(&dates), ["2026-01-01", "2026-01-03", "2026-01-05"]);
        let one_day = super::dates(["2026-01-05T00:00:00Z", "2026-01-05T09:00:00Z"].into_iter());
        assert_eq!(labels(&one_day), ["2026-01-05"]);
    }

    #[test]
    fn names_are_escaped_and_numbers_are_finite() {
        let point = |x: f64| Point { x, y: 1.0, title: "<script>".into() };
        let series = Series { name: "a&b".into(), points: vec![point(0.0), point(1.0)] };
        let axis = Axis::linear([1.0].into_iter(), |at| at.to_string());
        let svg = Chart::new("<t>", &axis, &axis, &[series.clone(), series]).to_string();
        assert!(!svg.contains("<script>") && !svg.contains("NaN") && svg.contains("a&#38;b"), "{svg}");
    }
}
