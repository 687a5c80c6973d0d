/// One upstream's part of the picture.
struct UpstreamPicture {
    private let upstream: Standing.Upstream
    private let width: Int
    /// What is shown whatever the height.
    private(set) var heading: [StyledLine] = []
    private(set) var tables: [TopTable] = []

    /// Places in ``tables``, those first that are worth most where there is little room.
    static let tablesByRank = [1, 0, 2]

    init(_ upstream: Standing.Upstream, width: Int) {
        (self.upstream, self.width) = (upstream, width)
        heading = [title] + upstream.notes.map { StyledLine("  \($0)", .warn) } + curves
        tables = [limits, tenants, refusals]
    }

    /// - Parameter rows: of each table.
    func lines(showing rows: [Int]) -> [StyledLine] {
        heading + zip(tables, rows).flatMap { $0.lines(showing: $1) }
    }

    private var title: StyledLine {
        var line = StyledLine(upstream.name, .strong)
        line.add("  \(upstream.url)", .faint)
        let pool = "  \(upstream.pool)"
        if line.columns + pool.columns <= width { line.add(pool.right(width - line.columns), .faint) }
        return line
    }

    // MARK: The last two minutes

    /// Where all four curves stand side by side.
    private static let wide = 160

    private var curves: [StyledLine] {
        let seconds = upstream.seconds
        let lately = seconds.requests.suffix(5)
        let pace = lately.isEmpty ? 0 : Double(lately.reduce(0, +)) / Double(lately.count)
        let (here, there) = (seconds.refused.reduce(0, +), seconds.throttled.reduce(0, +))
        let all = [
            ("requests/s", Figures.tenths(pace), seconds.requests),
            ("in flight", "\(upstream.inFlight)", seconds.inFlight),
            ("waiting", "\(upstream.waiting)", seconds.waiting),
            ("429s", "\(here)+\(there)", zip(seconds.refused, seconds.throttled).map(+)),
        ]
        let perLine = width >= Self.wide ? 4 : 2
        return stride(from: 0, to: all.count, by: perLine).map { start in
            var line = StyledLine(" ")
            for curve in all[start..<start + perLine] { add(curve, to: &line, room: (width - 1) / perLine) }
            return line
        }
    }

    private func add(_ curve: (name: String, now: String, numbers: [Int]), to line: inout StyledLine, room: Int) {
        let label = " \(curve.name) "
        let value = " \(curve.now)".left(8)
        let space = max(0, room - label.count - value.count)
        line.add(label, .faint)
        line.add(Sparkline.text(curve.numbers, width: space).right(space), .bar)
        line.add(value, .strong)
    }

    // MARK: Tables

    private var limits: TopTable {
        let (bar, text, free, waiting) = (max(4, min(30, (width - 64) / 2)), 27, 9, 8)
        let name = max(8, width - 2 - bar - text - free - waiting - 3)
        let head =
            "  " + "limit".left(name + 1) + "in use".left(bar + 1 + text) + "next free".right(free + 1)
            + "waiting".right(waiting)
        let rows = upstream.limits.map { limit in
            limit.terms.enumerated().map { place, term in
                let isFirst = place == 0
                var line = StyledLine("  " + (isFirst ? limit.name : "").left(name) + " ")
                add(term.bound, bar: bar, to: &line)
                line.add(" " + "\(TopFrame.text(term.bound)) \(term.name)".left(text))
                guard isFirst else { return line }
                line.add((limit.nextFree.map { $0 == 0 ? "now" : Figures.time($0) } ?? "–").right(free + 1))
                line.add("\(limit.waiting)".right(waiting))
                return line
            }
        }
        return TopTable(head: head, rows: rows)
    }

    private func add(_ bound: Standing.Bound, bar width: Int, to line: inout StyledLine) {
        let most = max(1, bound.most ?? 1)
        let filled = min(width, (max(0, bound.used) * width + most - 1) / most)
        line.add(String(repeating: "█", count: filled), bound.used >= most ? .warn : .bar)
        line.add(String(repeating: "░", count: width - filled), .faint)
    }

    /// Columns of a name in the tables that follow.
    private var nameWidth: Int { max(8, min(30, (width - 34) / 3)) }

    private var tenants: TopTable {
        let head =
            "  " + upstream.outermost.left(nameWidth) + "in flight".right(10) + "waiting".right(8) + "longest".right(9)
            + "  held back by"
        let rows = upstream.tenants.map { tenant in
            let numbers = "\(tenant.inFlight)".right(10) + "\(tenant.waiting)".right(8)
            let longest = (tenant.longest.map { Figures.time($0) } ?? "–").right(9)
            return [StyledLine("  \(tenant.name.left(nameWidth))\(numbers)\(longest)  \(tenant.heldBy)")]
        }
        return TopTable(head: head, rows: rows, unnamed: max(0, upstream.tenantCount - rows.count))
    }

    private var refusals: TopTable {
        let head =
            "  " + "refused".left(nameWidth) + "status".right(10) + "times".right(8) + "ago".right(9) + "  why"
        let rows = upstream.refusals.map { refusal in
            let numbers = "\(refusal.status)".right(10) + "\(refusal.count)".right(8)
            let age = Figures.time(refusal.age).right(9)
            return [StyledLine("  \(refusal.tenant.left(nameWidth))\(numbers)\(age)  \(refusal.reason)")]
        }
        return TopTable(head: head, rows: rows)
    }
}

extension Figures {
    /// `400 ms`, `3.4 s`, `45 s`, `5 min`, `3 h`.
    static func time(_ milliseconds: Int) -> String {
        switch milliseconds {
        case ..<1000: "\(milliseconds) ms"
        case ..<10_000: "\(tenths(Double(milliseconds) / 1000)) s"
        case ..<120_000: "\((milliseconds + 999) / 1000) s"
        case ..<7_200_000: "\((milliseconds + 59_999) / 60_000) min"
        default: "\((milliseconds + 3_599_999) / 3_600_000) h"
        }
    }
}
