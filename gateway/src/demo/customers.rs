//! Who buys from the demo's wholesaler: companies of eleven countries, their names put together
//! from parts. None of them is meant to be anybody.

use rand::Rng;
use rand::seq::SliceRandom;

/// The companies of a country: names and trades, and how many of their pairs there are.
struct Country {
    count: usize,
    names: &'static str,
    /// What a company of that name is called.
    trades: &'static str,
}

/// Names of 100 companies, no two alike, in an order that tells nothing.
pub(super) fn companies(dice: &mut impl Rng) -> Vec<String> {
    let mut companies = Vec::new();
    for country in COUNTRIES {
        let names = country.names.split(", ");
        let mut pairs: Vec<String> = names
            .flat_map(|name| country.trades.split(", ").map(move |trade| trade.replace('*', name)))
            .collect();
        pairs.shuffle(dice);
        companies.extend(pairs.into_iter().take(country.count));
    }
    companies.shuffle(dice);
    companies
}

#[rustfmt::skip]
const COUNTRIES: &[Country] = &[
    // Germany
    Country {
        count: 30,
        names: "Achberg, Brüning, Dornfeld, Eschbach, Grabner, Hollerbach, Immenhof, Kaltenbrunn, \
                Lindauer, Marbach, Neustedt, Oderwald",
        trades: "* Metallbau GmbH, * Maschinenbau GmbH & Co. KG, Schreinerei *, Stahlbau * GmbH, \
                 * Fahrzeugbau GmbH, * Anlagenbau AG, Autohaus * OHG, * Haustechnik GmbH",
    },
    // Switzerland
    Country {
        count: 14,
        names: "Aeschlimann, Bodenmann, Gerschwiler, Hunzenried, Inderbitz, Rüttenen, Zumholz",
        trades: "* Holzbau AG, * Metallbau AG, Garage * GmbH, * & Söhne AG, Spenglerei * GmbH",
    },
    // Austria
    Country {
        count: 12,
        names: "Ahornegger, Brandstett, Grünbichl, Mitterlehn, Puchenau, Rosenbichler",
        trades: "* Bau GmbH, Tischlerei * KG, * Landtechnik GmbH, Schlosserei *, * Seilbahnbau AG",
    },
    // France
    Country {
        count: 10,
        names: "Bellerive, Chardonnet, Duvernois, Lacombière, Montferrat",
        trades: "Ateliers * SARL, Menuiserie * SAS, * Constructions SA, Garage * SARL",
    },
    // Italy
    Country {
        count: 8,
        names: "Bellandi, Casaroli, Montevecchi, Travaglini",
        trades: "Officine * S.r.l., Carpenteria * S.n.c., * Impianti S.p.A., Falegnameria *",
    },
    // The Netherlands
    Country {
        count: 8,
        names: "van Oostrum, Dijkhuizen, Terlouw, Zandvliet",
        trades: "* Constructie B.V., Timmerbedrijf *, * Installatietechniek B.V., \
                 Scheepswerf * B.V.",
    },
    // Belgium
    Country {
        count: 4,
        names: "Verlinden, Delacroix, Moortgat",
        trades: "* Metaalwerken BV, * Montage NV",
    },
    // Denmark
    Country {
        count: 4,
        names: "Nordhavn, Kirkegård, Vesterløk",
        trades: "* Maskinfabrik ApS, * Tømrer & Snedker A/S",
    },
    // Poland
    Country {
        count: 4,
        names: "Wolski, Jaworzyn, Kamieniec",
        trades: "Zakład Ślusarski * sp. z o.o., * Konstrukcje S.A.",
    },
    // Czechia
    Country {
        count: 3,
        names: "Hradecký, Moravan, Bělohrad",
        trades: "* Strojírny s.r.o., Truhlářství * s.r.o.",
    },
    // Sweden
    Country {
        count: 3,
        names: "Björkvik, Lindeborg, Sandåker",
        trades: "* Mekaniska AB, * Bygg AB",
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn there_are_100_companies_and_no_two_are_called_alike() {
        let companies = companies(&mut ChaCha8Rng::seed_from_u64(1));
        let different: HashSet<&String> = companies.iter().collect();
        assert_eq!((companies.len(), different.len()), (100, 100));
        for name in &companies {
            assert!(!name.contains(['*', '\\']) && !name.contains("  "), "{name}");
        }
    }
}
