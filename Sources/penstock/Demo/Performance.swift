import Synchronization

/// A scenario being played on a stage: every caller's calls, and what comes of them.
final class Performance: Sendable {
    private let scenario: Scenario
    private let stage: Stage
    private let client: CallClient
    private let tally: Mutex<Tally>
    private let jobsByKey: [String: Int]

    init(_ scenario: Scenario, on stage: Stage) {
        self.scenario = scenario
        self.stage = stage
        client = CallClient(to: stage.proxy, group: stage.group)
        tally = Mutex(Tally(scenario))
        let keys = scenario.workload.jobs.indices.map { (Self.key(of: $0, in: scenario.workload), $0) }
        jobsByKey = Dictionary(keys) { first, _ in first }
    }

    /// Plays to the end, or until the task is cancelled: then all connections of the callers are closed.
    func play() async {
        await withTaskCancellationHandler {
            await withTaskGroup { tasks in
                for job in scenario.workload.jobs.indices {
                    tasks.addTask { await self.run(job) }
                }
            }
        } onCancel: {
            client.close()
        }
        client.close()
    }

    /// What has been seen until now.
    func currentTally() -> Tally {
        tally.withLock { tally in
            readJournal(into: &tally)
            return tally
        }
    }

    // MARK: Calling

    private func run(_ job: Int) async {
        do {
            try await Task.sleep(for: .seconds(scenario.workload.jobs[job].beginsAt))
        } catch {
            return
        }
        note(.submitted(job: job))
        await withTaskGroup { tasks in
            for number in 1...scenario.workload.jobs[job].calls {
                let call = call(number, of: job)
                tasks.addTask {
                    // Whatever ends without an answer is counted as failed.
                    let answer = try? await self.client.send(call)
                    let wait = answer?.headers.first(name: "Server-Timing").flatMap(Self.queueTime)
                    self.note(.answered(job: job, status: answer?.status, wait: wait))
                }
            }
        }
    }

    private func call(_ number: Int, of job: Int) -> CallClient.Call {
        let workload = scenario.workload
        let tenant = workload.tenants[workload.jobs[job].tenant]
        var headers = [
            ("Content-Type", "application/json"), ("X-Tenant-Id", tenant.name),
            ("X-Job-Id", workload.jobs[job].name), ("Authorization", Self.key(of: job, in: workload)),
        ]
        if let priority = tenant.priority { headers.append(("X-Priority", priority)) }
        let prompt = "Read page \(number) of \(workload.jobs[job].name)."
        let body = #"{"model":"gpt-4o","max_tokens":32,"messages":[{"role":"user","content":"\#(prompt)"}]}"#
        return CallClient.Call(path: "/openai/v1/chat/completions", headers: headers, body: body)
    }

    /// Tenant and job are not passed on to a provider. Here each job has an API key of its own, which is, so that the
    /// provider can tell them apart without Penstock's help.
    private static func key(of job: Int, in workload: Workload) -> String {
        "Bearer \(workload.tenants[workload.jobs[job].tenant].name)/\(workload.jobs[job].name)"
    }

    /// `penstock-queue;dur=12.3, …`, in milliseconds.
    static func queueTime(_ serverTiming: String) -> Double? {
        guard let name = serverTiming.firstRange(of: "penstock-queue;dur=") else { return nil }
        return Double(serverTiming[name.upperBound...].prefix { $0.isNumber || $0 == "." })
    }

    // MARK: Noting

    private func note(_ event: Tally.Event) {
        tally.withLock { tally in
            readJournal(into: &tally)
            tally.note(event, at: stage.simulator.now)
        }
    }

    /// Under the tally's lock, so that lines are noted in the order in which they were written.
    private func readJournal(into tally: inout Tally) {
        for sighting in stage.simulator.takeJournal() {
            // Somebody else's call, made with curl: not part of the performance.
            guard let job = jobsByKey[sighting.key] else { continue }
            let event: Tally.Event =
                switch sighting.kind {
                case .accepted: .accepted(job: job)
                case .left: .left(job: job)
                case .refused: .refused
                }
            tally.note(event, at: sighting.at)
        }
    }
}
