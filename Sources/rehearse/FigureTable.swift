import Rehearsal

/// Figures as lines of text.
enum FigureTable {
    static func text(_ figures: [Figure], of name: String, method: String) -> String {
        let width = figures.map(\.name.count).max() ?? 0
        let lines = figures.map { figure in
            let name = figure.name + spaces(width - figure.name.count)
            let target = target(of: figure)
            return "  \(name)  \(column(value(figure.measured, figure.unit), 14))  \(column(target, 14))  "
                + verdict(on: figure)
        }
        return "\(name)\n  (\(method))\n" + lines.joined(separator: "\n") + "\n"
    }

    private static func verdict(on figure: Figure) -> String {
        if figure.target == .none { return "" }
        return figure.isReached ? "reached" : "MISSED"
    }

    private static func target(of figure: Figure) -> String {
        switch figure.target {
        case .atLeast(let least): "≥ " + value(least, figure.unit)
        case .atMost(let most): "≤ " + value(most, figure.unit)
        case .none: ""
        }
    }

    /// With as many decimals as say something: whole numbers with none, small ones with four.
    static func value(_ value: Double, _ unit: String) -> String {
        let decimals = value == value.rounded() ? 0 : abs(value) >= 200 ? 0 : abs(value) >= 10 ? 2 : 4
        return decimal(value, decimals) + (unit.isEmpty ? "" : " \(unit)")
    }

    private static func decimal(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
        guard decimals > 0 else { return "\(Int(value.rounded()))" }
        let scale = (0..<decimals).reduce(1) { scale, _ in scale * 10 }
        let scaled = Int((abs(value) * Double(scale)).rounded())
        let fraction = String(scaled % scale)
        let zeros = String(repeating: "0", count: decimals - fraction.count)
        return (value < 0 ? "-" : "") + "\(scaled / scale).\(zeros)\(fraction)"
    }

    private static func column(_ text: String, _ width: Int) -> String {
        spaces(width - text.count) + text
    }

    private static func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
}
