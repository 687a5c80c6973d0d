/// How a simulated provider behaves.
package struct SimulatorSettings: Hashable, Sendable {
    package var host = "127.0.0.1"
    /// 0 takes a free port.
    package var port = 0
    package var limits: [LimitRule] = []
    package var refusedRequests = RefusedRequests.countNowhere
    /// Until the first byte of an answer.
    package var latency = Latency.fixed(0)
    /// How fast an answer is written after its first byte; `nil`: all at once. Above 0.
    package var tokensPerSecond: Double?
    /// Output tokens of an answer, never more than the request's own maximum; `nil`: the request's maximum up to
    /// ``outputTokensBound``, and 16 where it gives none.
    package var outputTokens: Int?
    package var outputTokensBound = 4_096
    /// Share by which each pause between tokens varies, 0 to 1.
    package var jitter = 0.0
    /// Decides latency, jitter and the probabilities of faults.
    package var seed: UInt64 = 1
    package var faults: [FaultRule] = []
    package var models = ["gpt-4o", "gpt-4o-mini", "text-embedding-3-small", "claude-sonnet-4-5", "gemini-2.5-flash"]
    /// Larger request bodies get 413. Bytes.
    package var maximumBody = 32 << 20
    package var tls: TLS?
    /// Keeps the time of each accepted request: for tests, memory grows.
    package var recordsStarts = false
    /// Writes down each request's arrival and end until ``Simulator/takeJournal()`` takes it: memory grows in between.
    package var keepsJournal = false

    package init() {}

    /// Throws what is wrong with numbers that the types allow and a simulator can't use.
    func check() throws(SimulatorTextError) {
        if let rate = tokensPerSecond, !(0.001...1_000_000_000).contains(rate) {
            throw SimulatorTextError("tokens per second are \(rate), not between 0.001 and 1000000000")
        }
        if !(0...1).contains(jitter) { throw SimulatorTextError("jitter is \(jitter), not between 0 and 1") }
        if !(1...1_000_000).contains(outputTokens ?? 1) || !(1...1_000_000).contains(outputTokensBound) {
            throw SimulatorTextError("output tokens are not between 1 and 1000000")
        }
    }

    /// Paths of PEM files.
    package struct TLS: Hashable, Sendable {
        package var certificate: String
        package var key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }
}
