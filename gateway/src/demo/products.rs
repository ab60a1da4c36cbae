//! What the demo's wholesaler sells: ranges of articles that differ in size and make, and what is
//! made of them. How well each sells is `trade`'s business.

use events::words::Unit;

/// What an article is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// `piece`, whole ones.
    Piece,
    /// `box`, whole ones.
    Box,
    /// `m`, sold by the half metre.
    Metre,
    /// `kg`, sold by the half kilogram.
    Kilogram,
}

impl Measure {
    /// The unit's code and how finely it can be divided.
    pub(super) fn unit(self) -> (Unit, u8) {
        let (code, precision) = match self {
            Self::Piece => ("piece", 0),
            Self::Box => ("box", 0),
            Self::Metre => ("m", 2),
            Self::Kilogram => ("kg", 3),
        };
        (Unit(code.to_owned()), precision)
    }

    /// The least that is sold, in thousandths of the unit.
    pub(super) fn thousandths(self) -> u32 {
        match self {
            Self::Piece | Self::Box => 1_000,
            Self::Metre | Self::Kilogram => 500,
        }
    }
}

/// A make: the end of the SKU, what it is called, and its price in per cent of the first make's.
type Make = (&'static str, &'static str, u32);

/// Articles that differ in size and make alone.
struct Range {
    /// The beginning of the SKU.
    code: &'static str,
    /// The name, with the size and the make in the places of `{size}` and `{make}`.
    name: &'static str,
    sizes: &'static str,
    makes: &'static [Make],
    measure: Measure,
    /// The price of the first size in the first make, in cents.
    cents: u32,
    /// What each size costs more than the one before it, in per cent of the first.
    step: u32,
    /// The most that a line has of it.
    most: u32,
}

/// An article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Article {
    pub(super) sku: String,
    pub(super) name: String,
    pub(super) measure: Measure,
    /// The list price, in cents.
    pub(super) cents: u32,
    /// The most that a line has of it: so many times the least that is sold.
    pub(super) most: u32,
}

/// Every article, range by range.
pub(super) fn assortment() -> Vec<Article> {
    let mut articles = Vec::new();
    for range in RANGES {
        for (index, size) in (0..).zip(range.sizes.split(", ")) {
            articles.extend(range.makes.iter().map(|make| range.article(index, size, *make)));
        }
    }
    articles
}

impl Range {
    fn article(&self, index: u32, size: &str, (end, make, per_cent): Make) -> Article {
        let code: String = size.replace('×', "X").split_whitespace().collect();
        let ends = [self.code, &code.to_uppercase(), end];
        let sku: Vec<&str> = ends.into_iter().filter(|part| !part.is_empty()).collect();
        Article {
            sku: sku.join("-"),
            name: self.name.replace("{size}", size).replace("{make}", make),
            measure: self.measure,
            cents: self.cents * (100 + self.step * index) / 100 * per_cent / 100,
            most: self.most,
        }
    }
}

const ONE: &[Make] = &[("", "", 100)];
const STEEL: &[Make] = &[("ZP", "zinc plated", 100), ("A2", "stainless steel A2", 260)];

/// A range, written as a line of a price list.
const fn range(
    (code, measure): (&'static str, Measure),
    name: &'static str,
    sizes: &'static str,
    makes: &'static [Make],
    (cents, step, most): (u32, u32, u32),
) -> Range {
    Range { code, name, sizes, makes, measure, cents, step, most }
}

#[rustfmt::skip]
const RANGES: &[Range] = &[
    range(("HXS", Measure::Box), "Hexagon head screw ISO 4017 {size}, {make}, box of 100",
        "M5 × 16, M6 × 20, M6 × 30, M8 × 25, M8 × 40, M10 × 30, M10 × 50, M12 × 40",
        STEEL, (590, 38, 12)),
    range(("SHC", Measure::Box), "Socket head cap screw ISO 4762 {size}, {make}, box of 100",
        "M3 × 10, M4 × 16, M5 × 20, M6 × 25, M8 × 30, M10 × 40",
        &[("BK", "8.8 black", 100), ("A2", "stainless steel A2", 230)], (480, 55, 10)),
    range(("CSK", Measure::Box), "Countersunk screw ISO 10642 {size}, {make}, box of 100",
        "M4 × 16, M5 × 20, M6 × 25, M8 × 30", STEEL, (560, 45, 8)),
    range(("NUT", Measure::Box), "Hexagon nut ISO 4032 {size}, {make}, box of 100",
        "M4, M5, M6, M8, M10, M12, M16", STEEL, (240, 60, 15)),
    range(("LNT", Measure::Box), "Lock nut ISO 10511 {size}, {make}, box of 100",
        "M5, M6, M8, M10, M12", STEEL, (390, 55, 10)),
    range(("WSH", Measure::Box), "Flat washer ISO 7089 {size}, {make}, box of 200",
        "M4, M5, M6, M8, M10, M12", STEEL, (210, 40, 15)),
    range(("SPW", Measure::Box), "Spring washer DIN 127 {size}, {make}, box of 200",
        "M6, M8, M10, M12", STEEL, (260, 40, 8)),
    range(("ROD", Measure::Piece), "Threaded rod DIN 976 {size}, {make}, 1 m",
        "M6, M8, M10, M12, M16", STEEL, (125, 65, 40)),
    range(("WDS", Measure::Box), "Wood screw, TX drive, {size}, {make}, box of 200",
        "3.5 × 35, 4 × 40, 4.5 × 50, 5 × 60, 5 × 80, 6 × 100, 6 × 120",
        &[("YZ", "yellow zinc", 100), ("A2", "stainless steel A2", 290)], (720, 42, 12)),
    range(("DRY", Measure::Box), "Drywall screw {size}, phosphated, box of 1,000",
        "3.5 × 25, 3.5 × 35, 3.5 × 45, 3.5 × 55", ONE, (1_190, 22, 10)),
    range(("PLG", Measure::Box), "Wall plug, nylon, {size}, box of 100",
        "5 × 25, 6 × 30, 8 × 40, 10 × 50, 12 × 60", ONE, (320, 48, 12)),
    range(("ANC", Measure::Box), "Wedge anchor {size}, {make}, box of 25",
        "M8 × 75, M10 × 90, M12 × 110, M16 × 140",
        &[("ZP", "zinc plated", 100), ("A4", "stainless steel A4", 420)], (1_490, 60, 6)),
    range(("RVT", Measure::Box), "Blind rivet {size}, {make}, box of 500",
        "3.2 × 8, 4 × 10, 4.8 × 12, 4.8 × 16",
        &[("AL", "aluminium", 100), ("A2", "stainless steel A2", 340)], (1_350, 25, 6)),
    range(("DRL", Measure::Piece), "Twist drill DIN 338 {size} mm, {make}",
        "2, 3, 3.3, 4, 4.2, 5, 6, 6.8, 8, 8.5, 10, 10.2, 12",
        &[("HSS", "HSS-G", 100), ("CO", "HSS-E Co 5", 220)], (95, 42, 20)),
    range(("SDS", Measure::Piece), "Hammer drill SDS-plus {size}",
        "6 × 160, 8 × 160, 10 × 210, 12 × 210, 14 × 260, 16 × 260", ONE, (390, 45, 10)),
    range(("TAP", Measure::Piece), "Machine tap DIN 371 {size}, HSS-E",
        "M4, M5, M6, M8, M10, M12", ONE, (890, 20, 6)),
    range(("SPN", Measure::Piece), "Combination spanner {size} mm, chrome vanadium",
        "8, 10, 11, 12, 13, 14, 15, 16, 17, 19, 22, 24", ONE, (420, 14, 8)),
    range(("SKT", Measure::Piece), "Socket 1/2 inch, {size} mm, chrome vanadium",
        "10, 13, 17, 19, 22, 24", ONE, (340, 12, 8)),
    range(("HEX", Measure::Piece), "Hex key {size} mm, long, ball end",
        "2.5, 3, 4, 5, 6, 8, 10", ONE, (180, 28, 10)),
    range(("SCD", Measure::Piece), "Screwdriver {size}, two-component handle",
        "PH1, PH2, PZ2, SL4, SL6.5, TX20, TX25, TX30", ONE, (440, 6, 8)),
    range(("BIT", Measure::Box), "Bit {size}, 25 mm, box of 10",
        "PH2, PZ2, TX20, TX25, TX30", ONE, (690, 3, 8)),
    range(("PLR", Measure::Piece), "{size} pliers, insulated handles",
        "Combination 180, Side-cutting 160, Long-nose 200, Water-pump 250, Circlip 180",
        ONE, (1_450, 12, 4)),
    range(("HAM", Measure::Piece), "Machinist's hammer {size}, ash handle",
        "300 g, 500 g, 1000 g", ONE, (990, 25, 5)),
    range(("FIL", Measure::Piece), "File 200 mm, {size}, cut 2",
        "flat, half-round, round, triangular", ONE, (780, 8, 6)),
    range(("CUT", Measure::Piece), "Cutting disc {size} mm for {make}",
        "115 × 1.0, 125 × 1.0, 125 × 1.6, 180 × 1.6, 230 × 1.9",
        &[("ST", "steel", 100), ("IX", "stainless steel", 125)], (110, 28, 100)),
    range(("FLP", Measure::Piece), "Flap disc 125 mm, grit {size}, zirconia",
        "40, 60, 80, 120", ONE, (295, 2, 40)),
    range(("SND", Measure::Box), "Abrasive sheet 230 × 280, {size}, box of 50",
        "P60, P80, P120, P180, P240, P400", ONE, (1_690, 2, 6)),
    range(("GLV", Measure::Piece), "Assembly gloves, {make}, size {size}, pair",
        "7, 8, 9, 10, 11",
        &[("PU", "PU coated", 100), ("NI", "nitrile coated", 160)], (145, 0, 60)),
    range(("EYE", Measure::Piece), "Safety glasses EN 166, {size}",
        "clear, grey, yellow", ONE, (390, 5, 20)),
    range(("HLM", Measure::Piece), "Safety helmet EN 397, {size}",
        "white, yellow, blue, red", ONE, (1_190, 0, 12)),
    range(("EAR", Measure::Piece), "Ear muffs EN 352, SNR {size}",
        "27 dB, 30 dB, 35 dB", ONE, (1_250, 30, 8)),
    range(("MSK", Measure::Box), "Dust mask {size} with valve, box of 10",
        "FFP2, FFP3", ONE, (1_490, 90, 8)),
    range(("SPR", Measure::Piece), "{size} spray, 400 ml",
        "Penetrating oil, Silicone, Zinc, Brake cleaner, Contact cleaner, Chain lubricant",
        ONE, (360, 18, 24)),
    range(("TLK", Measure::Piece), "Threadlocker, {size}",
        "medium 10 ml, high 10 ml, medium 50 ml, high 50 ml", ONE, (690, 70, 6)),
    range(("GRS", Measure::Piece), "Multi-purpose grease, {size}",
        "400 g, 1 kg, 5 kg", ONE, (420, 240, 12)),
    range(("TPE", Measure::Piece), "{size} tape, 50 mm",
        "Insulating, Masking, Cloth, Double-sided", ONE, (290, 75, 24)),
    range(("WIP", Measure::Piece), "Cleaning roll, {size}, 500 sheets",
        "2-ply, 3-ply", ONE, (1_390, 40, 10)),
    range(("BIN", Measure::Piece), "Storage bin {size}, {make}",
        "85 × 100 × 50, 160 × 100 × 75, 230 × 150 × 125, 350 × 210 × 150",
        &[("BL", "blue", 100), ("RD", "red", 100)], (85, 180, 50)),
    range(("TIE", Measure::Box), "Cable tie {size}, {make}, box of 100",
        "100 × 2.5, 200 × 3.6, 300 × 4.8, 370 × 7.6",
        &[("BK", "black", 100), ("NA", "natural", 95)], (190, 130, 15)),
    range(("CHN", Measure::Metre), "Round steel chain DIN 766, {size}, by the metre",
        "4 mm, 6 mm, 8 mm", ONE, (390, 80, 60)),
    range(("WIR", Measure::Kilogram), "MIG welding wire G3Si1, {size}, by the kilogram",
        "0.8 mm, 1.0 mm, 1.2 mm", ONE, (465, 4, 40)),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn there_are_300_articles_each_with_a_sku_a_name_and_a_price_of_its_own() {
        let articles = assortment();
        assert_eq!(articles.len(), 300);
        let skus: HashSet<&str> = articles.iter().map(|article| article.sku.as_str()).collect();
        let names: HashSet<&str> = articles.iter().map(|article| article.name.as_str()).collect();
        assert_eq!((skus.len(), names.len()), (300, 300));
        for article in &articles {
            assert!(article.sku.is_ascii() && !article.sku.contains(' '), "{}", article.sku);
            assert!(!article.name.contains(['{', '}']), "{}", article.name);
            assert!((50..30_000).contains(&article.cents), "{article:?}");
        }
    }
}
