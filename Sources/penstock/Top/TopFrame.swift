/// One picture of how a proxy stands: the same that its page shows, for a terminal.
struct TopFrame: Hashable, Sendable {
    var standing: Standing
    /// Where it was read.
    var address: String
    /// What is wrong with reading it now; then the picture is an old one.
    var trouble: String?

    private static let narrowest = 40

    /// The picture in at most `width` columns, made for 40 and more, and `height` lines.
    func lines(width: Int, height: Int = .max) -> [StyledLine] {
        let width = max(Self.narrowest, width)
        let parts = standing.upstreams.map { UpstreamPicture($0, width: width) }
        let heading = heading(width)
        let fixed = parts.reduce(heading.count) { $0 + 1 + $1.heading.count }
        let shown = Self.rows(of: parts, room: height - fixed)
        let lines = heading + zip(parts, shown).flatMap { [StyledLine()] + $0.lines(showing: $1) }
        guard lines.count > height else { return lines }
        return lines.prefix(max(0, height - 1)) + [StyledLine("… the terminal has no more lines", .faint)]
    }

    /// How many rows each table shows, where so many lines are left for all: one after the other gets one more, who
    /// waits before what is full before what was refused.
    private static func rows(of parts: [UpstreamPicture], room: Int) -> [[Int]] {
        var room = room
        var shown = parts.map { $0.tables.map { _ in 0 } }
        let most = parts.flatMap(\.tables).map(\.rows.count).max() ?? 0
        for _ in 0..<most {
            for place in UpstreamPicture.tablesByRank {
                for (number, part) in parts.enumerated() {
                    let (table, count) = (part.tables[place], shown[number][place])
                    let more = table.lines(showing: count + 1).count - table.lines(showing: count).count
                    guard count < table.rows.count, more <= room else { continue }
                    shown[number][place] += 1
                    room -= more
                }
            }
        }
        return shown
    }

    // MARK: The process

    private func heading(_ width: Int) -> [StyledLine] {
        var title = StyledLine("penstock \(standing.version)", .strong)
        title.add(" at \(address)  ")
        title.add(standing.state, standing.state == "ready" ? .good : .bad)
        let inFlight = standing.upstreams.reduce(0) { $0 + $1.inFlight }
        let waiting = standing.upstreams.reduce(0) { $0 + $1.waiting }
        let summary = "\(inFlight) in flight, \(waiting) waiting"
        title.add(summary.right(width - title.columns), .strong)
        var lines = [title, StyledLine(facts, .faint)]
        if let trouble { lines.append(StyledLine("\(trouble); what you see is old", .bad)) }
        return lines
    }

    private var facts: String {
        let process = standing.process
        let memory = Standing.Bound(used: process.memory.used >> 20, most: process.memory.most.map { $0 >> 20 })
        var facts = [
            "\(Self.text(process.connections)) connections", "memory \(Self.text(memory)) MiB",
            "\(Self.text(process.files)) files", "loops \(process.lag) ms late",
        ]
        if process.level != "calm", !process.level.isEmpty { facts.append("memory guard: \(process.level)") }
        return facts.joined(separator: ", ")
    }

    static func text(_ bound: Standing.Bound) -> String {
        bound.most.map { "\(bound.used) of \($0)" } ?? "\(bound.used)"
    }
}
