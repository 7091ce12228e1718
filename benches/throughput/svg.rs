//! Charts with logarithmic axes, as SVG.

use std::fmt::{self, Write};

/// A chart's size, and the margins around the plotted area.
const WIDTH: f64 = 470.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 15.0;
const TOP: f64 = 70.0;
const BOTTOM: f64 = 55.0;
const HEAD: f64 = 50.0;

/// One line of a chart.
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) colour: &'static str,
    pub(crate) dashed: bool,
    /// All above zero.
    pub(crate) points: Vec<(f64, f64)>,
}

/// One chart.
pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) across: &'static str,
    /// How a value of the upright axis is written.
    pub(crate) upright: fn(f64) -> String,
    pub(crate) series: Vec<Series>,
}

/// Charts beside each other, under one heading.
pub(crate) fn picture(heading: &str, charts: &[Chart]) -> String {
    let mut svg = String::new();
    draw(&mut svg, heading, charts).expect("a string takes everything");
    svg
}

fn draw(svg: &mut String, heading: &str, charts: &[Chart]) -> fmt::Result {
    let count = u32::try_from(charts.len()).unwrap_or(u32::MAX);
    let (width, height) = (WIDTH * f64::from(count), HEAD + HEIGHT);
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">"
    )?;
    writeln!(svg, "<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>")?;
    text(svg, (width / 2.0, 30.0), "middle", 16, heading)?;
    for (n, chart) in (0_u32..).zip(charts) {
        writeln!(svg, "<g transform=\"translate({} {HEAD})\">", WIDTH * f64::from(n))?;
        chart.draw(svg)?;
        writeln!(svg, "</g>")?;
    }
    writeln!(svg, "</svg>")
}

/// An axis: decades from `low` to `high`, over the pixels from `from` to `to`.
#[derive(Clone, Copy)]
struct Axis {
    low: i32,
    high: i32,
    from: f64,
    to: f64,
}

impl Axis {
    /// The axis on which all `values` have their place.
    #[expect(clippy::cast_possible_truncation, reason = "a value has few decades")]
    fn over(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.fold(0.0, f64::max);
        let low = least.log10().floor() as i32;
        let high = (most.log10().ceil() as i32).max(low + 1);
        Self { low, high, from, to }
    }

    fn place(self, value: f64) -> f64 {
        let part = (value.log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        self.from + part * (self.to - self.from)
    }

    fn decades(self) -> impl Iterator<Item = f64> {
        (self.low..=self.high).map(|power| 10_f64.powi(power))
    }
}

impl Chart {
    fn draw(&self, svg: &mut String) -> fmt::Result {
        let points = self.series.iter().flat_map(|series| &series.points);
        let across = Axis::over(points.clone().map(|point| point.0), LEFT, WIDTH - RIGHT);
        let upright = Axis::over(points.map(|point| point.1), HEIGHT - BOTTOM, TOP);
        text(svg, (f64::midpoint(across.from, across.to), 14.0), "middle", 13, &self.title)?;
        self.draw_grid(svg, across, upright)?;
        let legend = (across.to - across.from) / f64::from(u32::try_from(self.series.len()).unwrap_or(1));
        for (n, series) in (0_u32..).zip(&self.series) {
            series.draw_legend(svg, across.from + legend * f64::from(n))?;
            series.draw_line(svg, across, upright)?;
        }
        Ok(())
    }

    fn draw_grid(&self, svg: &mut String, across: Axis, upright: Axis) -> fmt::Result {
        for value in across.decades() {
            let x = across.place(value);
            line(svg, (x, upright.from), (x, upright.to))?;
            text(svg, (x, upright.from + 18.0), "middle", 12, &count(value))?;
        }
        for value in upright.decades() {
            let y = upright.place(value);
            line(svg, (across.from, y), (across.to, y))?;
            text(svg, (across.from - 8.0, y + 4.0), "end", 12, &(self.upright)(value))?;
        }
        text(svg, (f64::midpoint(across.from, across.to), HEIGHT - 15.0), "middle", 12, self.across)
    }
}

impl Series {
    fn dashes(&self) -> &'static str {
        if self.dashed { " stroke-dasharray=\"6 4\"" } else { "" }
    }

    fn draw_legend(&self, svg: &mut String, x: f64) -> fmt::Result {
        let (y, end, colour, dashes) = (TOP - 28.0, x + 24.0, self.colour, self.dashes());
        writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{y}\" x2=\"{end:.1}\" y2=\"{y}\" stroke=\"{colour}\" stroke-width=\"2\"{dashes}/>"
        )?;
        text(svg, (end + 5.0, y + 4.0), "start", 12, &self.name)
    }

    fn draw_line(&self, svg: &mut String, across: Axis, upright: Axis) -> fmt::Result {
        let places: Vec<(f64, f64)> =
            self.points.iter().map(|(x, y)| (across.place(*x), upright.place(*y))).collect();
        let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let (colour, dashes) = (self.colour, self.dashes());
        writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dashes}/>",
            path.join(" ")
        )?;
        for (x, y) in places {
            writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>")?;
        }
        Ok(())
    }
}

fn line(svg: &mut String, from: (f64, f64), to: (f64, f64)) -> fmt::Result {
    let ((x1, y1), (x2, y2)) = (from, to);
    writeln!(svg, "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"#dddddd\"/>")
}

fn text(svg: &mut String, at: (f64, f64), anchor: &str, size: u32, text: &str) -> fmt::Result {
    let (x, y) = at;
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" fill=\"#222222\">{text}</text>"
    )
}

/// A number as people say it: 1, 10, 100, 1k, 10k, 100k, 1M.
pub(crate) fn count(value: f64) -> String {
    if value >= 1e6 {
        format!("{}M", value / 1e6)
    } else if value >= 1e3 {
        format!("{}k", value / 1e3)
    } else {
        value.to_string()
    }
}

/// Microseconds as people say them.
pub(crate) fn time(micros: f64) -> String {
    if micros >= 1e6 {
        format!("{} s", micros / 1e6)
    } else if micros >= 1e3 {
        format!("{} ms", micros / 1e3)
    } else {
        format!("{micros} us")
    }
}
