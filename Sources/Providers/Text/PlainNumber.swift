import Admission

/// A decimal number as people and servers write it: `12`, `-1`, `0.25`, `.5`, `30,000`. No exponent, no NaN, no
/// infinity; what is too large saturates.
struct PlainNumber: Hashable {
    var isNegative = false
    var whole = 0
    /// Billionths, 0 to 999 999 999; digits beyond the ninth are dropped.
    var billionths = 0

    var isZero: Bool { whole == 0 && billionths == 0 }

    /// So many of a unit; zero where negative.
    func interval(of unit: Interval) -> Interval {
        if isNegative { return .zero }
        // Split so that no product leaves 64 bits: a unit is at most a day, a part below one second at most 10⁹.
        let second = 1_000_000_000
        let nanoseconds = Int(unit.nanoseconds)
        let part = nanoseconds >= second ? nanoseconds / second * billionths : nanoseconds * billionths / second
        return unit * whole + Interval(nanoseconds: Int64(part))
    }
}

extension TextCursor {
    /// Reads a number with optional sign, groups of thousands and fraction.
    mutating func number() -> PlainNumber? {
        let start = index
        var number = PlainNumber()
        number.isNegative = take(UInt8(ascii: "-"))
        if !number.isNegative { _ = take(UInt8(ascii: "+")) }
        let leading = readDigits(into: &number.whole)
        if (1...3).contains(leading) { readThousands(into: &number.whole) }
        let hasFraction = readFraction(into: &number.billionths)
        guard leading > 0 || hasFraction else {
            move(to: start)
            return nil
        }
        return number
    }

    /// A number that fills the whole text but for spaces around it.
    static func number(in text: String) -> PlainNumber? {
        var cursor = TextCursor(text)
        cursor.skipSpaces()
        guard let number = cursor.number() else { return nil }
        cursor.skipSpaces()
        return cursor.isAtEnd ? number : nil
    }

    private mutating func readDigits(into value: inout Int) -> Int {
        var count = 0
        while let byte = next, byte.isDigit {
            value = value.appendingDigit(Int(byte - UInt8(ascii: "0")))
            move(to: index + 1)
            count += 1
        }
        return count
    }

    private mutating func readThousands(into value: inout Int) {
        while true {
            let start = index
            guard take(UInt8(ascii: ",")), let group = digits(3), next?.isDigit != true else {
                move(to: start)
                return
            }
            for digit in [group / 100, group / 10 % 10, group % 10] { value = value.appendingDigit(digit) }
        }
    }

    /// A point alone, as at the end of a sentence, is no fraction and stays unread.
    private mutating func readFraction(into billionths: inout Int) -> Bool {
        let start = index
        guard take(UInt8(ascii: ".")), next?.isDigit == true else {
            move(to: start)
            return false
        }
        var weight = 100_000_000
        while let byte = next, byte.isDigit {
            billionths += Int(byte - UInt8(ascii: "0")) * weight
            weight /= 10
            move(to: index + 1)
        }
        return true
    }
}

extension Int {
    fileprivate func appendingDigit(_ digit: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: 10)
        if overflow { return .max }
        let (sum, carry) = product.addingReportingOverflow(digit)
        return carry ? .max : sum
    }
}
