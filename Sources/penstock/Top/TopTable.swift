/// A table of which as many rows are shown as there is room for; those that matter most come first.
struct TopTable {
    var head: String
    /// Each of one line or more.
    var rows: [[StyledLine]]
    /// Rows that the proxy has not named.
    var unnamed = 0

    /// Nothing at all for no rows.
    func lines(showing count: Int) -> [StyledLine] {
        guard count > 0, !rows.isEmpty else { return [] }
        let left = rows.count - min(count, rows.count) + unnamed
        let rest = left > 0 ? [StyledLine("  and \(left) more", .faint)] : []
        return [StyledLine(head, .faint)] + rows.prefix(count).flatMap(\.self) + rest
    }
}
