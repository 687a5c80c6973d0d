import NIOHTTP1

/// Penstock's own books after a demonstration, as any Prometheus would read them.
struct Books: Hashable, Sendable {
    /// Attempts that have ended, and with them the permits that they had.
    var attempts: Int
    /// Permits still held.
    var inFlight: Int
    var waiting: Int

    /// Reads Prometheus text.
    init(metrics: String) {
        func sum(_ name: String) -> Int {
            metrics.split(separator: "\n").reduce(0) { sum, line in
                guard line.hasPrefix("\(name){") || line.hasPrefix("\(name) ") else { return sum }
                return sum + (line.split(separator: " ").last.flatMap { Double($0) }.map { Int($0) } ?? 0)
            }
        }
        attempts = sum("penstock_attempts_total")
        inFlight = sum("penstock_in_flight")
        waiting = sum("penstock_queue_depth")
    }

    /// Asks the admin address. The last settlement may be a moment behind the last answer, so a few times.
    static func read(from stage: Stage) async throws -> Books {
        let client = CallClient(to: stage.admin, group: stage.group)
        defer { client.close() }
        var books = Books(metrics: "")
        for _ in 0..<20 {
            books = Books(metrics: try await client.send(CallClient.Call(method: .GET, path: "/metrics")).body)
            if books.inFlight + books.waiting == 0 { break }
            try await Task.sleep(for: .milliseconds(50))
        }
        return books
    }
}
