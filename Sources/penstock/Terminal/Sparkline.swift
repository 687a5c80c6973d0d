/// Numbers over time as a line of blocks.
enum Sparkline {
    private static let blocks: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    /// The numbers in at most `width` columns, the latest at the right; where there are more than that, each column is
    /// the most of its part. The lowest block is nothing at all, and the highest the most of them.
    static func text(_ numbers: [Int], width: Int) -> String {
        guard width > 0, !numbers.isEmpty else { return "" }
        let part = (numbers.count + width - 1) / width
        // Parts end with the latest number, so that a column keeps its place while its part goes on.
        let columns = stride(from: numbers.count, to: 0, by: -part).map { end in
            numbers[max(0, end - part)..<end].max() ?? 0
        }
        let most = max(1, columns.max() ?? 1)
        return String(columns.reversed().map { $0 <= 0 ? blocks[0] : blocks[($0 * 7 + most - 1) / most] })
    }
}
