//! Doubles in the fewest digits that read back as the same number, laid out as a language lays them out.

/// How a language writes doubles.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// From this power of ten on with an exponent.
    pub(super) exponent_from: i32,
    /// `e` or `E`.
    pub(super) mark: char,
}

impl Layout {
    /// `number`; whole ones end in `.0`. Below 0.0001 everybody writes an exponent, of two digits at least.
    pub(super) fn print(self, number: f64) -> String {
        // Rust's own exponent form has the fewest digits that read back as the same number.
        let text = format!("{number:e}");
        let Some((mantissa, exponent)) = text.split_once('e') else { return text };
        let Ok(power) = exponent.parse::<i32>() else { return text };
        if number == 0.0 || (-4..self.exponent_from).contains(&power) {
            // Never an exponent, whatever the size.
            let plain = format!("{number}");
            return if plain.contains('.') { plain } else { format!("{plain}.0") };
        }
        let sign = if power < 0 { '-' } else { '+' };
        format!("{mantissa}{}{sign}{:02}", self.mark, power.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PYTHON: Layout = Layout { exponent_from: 16, mark: 'e' };

    #[test]
    fn doubles_look_as_python_and_dotnet_print_them() {
        let dotnet = Layout { exponent_from: 15, mark: 'E' };
        for (number, python, other) in [
            (25.0, "25.0", "25.0"),
            (21.43, "21.43", "21.43"),
            (0.1 + 0.2, "0.30000000000000004", "0.30000000000000004"),
            (-0.0, "-0.0", "-0.0"),
            (0.0, "0.0", "0.0"),
            (1e-4, "0.0001", "0.0001"),
            (1e-5, "1e-05", "1E-05"),
            (-1.5e-7, "-1.5e-07", "-1.5E-07"),
            (1e15, "1000000000000000.0", "1E+15"),
            (1e16, "1e+16", "1E+16"),
            (9_999_999_999_999_998.0, "9999999999999998.0", "9.999999999999998E+15"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17", "1.2345678901234568E+17"),
            (f64::MAX, "1.7976931348623157e+308", "1.7976931348623157E+308"),
            (5e-324, "5e-324", "5E-324"),
        ] {
            assert_eq!(PYTHON.print(number), python);
            assert_eq!(dotnet.print(number), other);
        }
    }

    proptest! {
        #[test]
        fn a_printed_double_reads_back(number in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            prop_assert_eq!(PYTHON.print(number).parse::<f64>().unwrap().to_bits(), number.to_bits());
        }
    }
}
