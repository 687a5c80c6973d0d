import Admission
import Yams

/// Values without parts. Each returns `nil` after it has said what is wrong.
extension Field {
    /// Text; what YAML would read as a number or a truth value needs quotes.
    func string() -> String? {
        guard let scalar = scalar(expected: "text") else { return nil }
        if scalar.isPlain, scalar.text.looksLikeNumberOrFlag {
            mistake("`\(key)` must be text; put `\(scalar.text)` in quotes")
            return nil
        }
        if scalar.text.isEmpty {
            mistake("`\(key)` is empty")
            return nil
        }
        return scalar.text
    }

    /// A plain decimal number. A leading zero is refused, for it makes the number octal to some readers of YAML.
    func integer(_ range: ClosedRange<Int>) -> Int? {
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard let scalar = scalar(expected: expected) else { return nil }
        let isDecimal = scalar.isPlain && (scalar.text == "0" || !scalar.text.hasPrefix("0"))
        guard isDecimal, let number = Units.number(scalar.text[...]), range.contains(number) else {
            mistake(expected: expected)
            return nil
        }
        return number
    }

    func flag() -> Bool? {
        guard let scalar = scalar(expected: "true or false") else { return nil }
        guard scalar.isPlain, let flag = Bool(scalar.text) else {
            mistake(expected: "true or false")
            return nil
        }
        return flag
    }

    func choice<Choice: RawRepresentable & CaseIterable>(_: Choice.Type) -> Choice? where Choice.RawValue == String {
        let names = Choice.allCases.map(\.rawValue)
        let expected = "one of \(names.joined(separator: ", "))"
        guard let scalar = scalar(expected: expected) else { return nil }
        guard let choice = Choice(rawValue: scalar.text) else {
            let hint = Nearest.hint(scalar.text, in: names)
            mistake("`\(key)` must be \(expected), not `\(scalar.text)`\(hint)")
            return nil
        }
        return choice
    }

    func duration(_ range: ClosedRange<Interval>) -> Interval? {
        let bounds = "from \(Units.text(range.lowerBound)) to \(Units.text(range.upperBound))"
        return measure("a duration \(bounds) such as 250ms, 30s, 5m, 1h or 1d", Units.duration, range)
    }

    func size(_ range: ClosedRange<Int>) -> Int? {
        let bounds = "from \(Units.text(bytes: range.lowerBound)) to \(Units.text(bytes: range.upperBound))"
        return measure("a size \(bounds) such as 64KiB, 10MiB or 1GiB", Units.size, range)
    }

    func percentage(_ range: ClosedRange<Int>) -> Int? {
        measure("a percentage from \(range.lowerBound)% to \(range.upperBound)%", Units.percentage, range)
    }

    /// Units per window; 1 to 10¹², which keeps the core's arithmetic in 64 bits.
    func rate(of unit: Limit.Unit) -> Limit.Rate? {
        let expected = "a rate such as 500/min, 10/s, 10000/hour or 200000/day"
        guard let scalar = scalar(expected: expected) else { return nil }
        guard let (quota, window) = Units.rate(scalar.text), (1...1_000_000_000_000).contains(quota) else {
            mistake(expected: expected)
            return nil
        }
        return Limit.Rate(quota, per: window, of: unit)
    }

    private func measure<Value: Comparable>(
        _ expected: String, _ parse: (String) -> Value?, _ range: ClosedRange<Value>
    ) -> Value? {
        guard let scalar = scalar(expected: expected) else { return nil }
        guard let value = parse(scalar.text), range.contains(value) else {
            mistake(expected: expected)
            return nil
        }
        return value
    }

    /// The text of a scalar and whether it stands without quotes. Explicit YAML tags (`!!str`) are refused: each value
    /// has one type here, and a tag could only contradict it.
    func scalar(expected: String) -> (text: String, isPlain: Bool)? {
        guard case .scalar(let scalar) = node, !isEmpty else {
            mistake(expected: expected)
            return nil
        }
        let isPlain = scalar.style == .plain
        if isPlain, scalar.tag.description.contains(":") || scalar.tag.description.hasPrefix("!") {
            mistake("a YAML tag has no meaning here")
            return nil
        }
        return (scalar.string, isPlain)
    }
}

extension String {
    fileprivate var looksLikeNumberOrFlag: Bool {
        if ["true", "false"].contains(self) { return true }
        return Double(self) != nil && first.map { $0.isNumber || "+-.".contains($0) } == true
    }
}
