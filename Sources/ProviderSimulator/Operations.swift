/// The simulator's own paths: what it has counted, and its switches.
struct Operations: Sendable {
    let ledger: SharedLedger

    func script(for operation: Route.Operation, body: [UInt8]) -> Script {
        switch operation {
        case .metrics:
            var script = Answerer.script(200, json: ledger.counts.prometheus)
            script.headers = [("content-type", "text/plain; version=0.0.4; charset=utf-8")]
            return script
        case .status:
            return status
        case .reset:
            ledger.resetCounts()
            return status
        case .setFaults:
            do throws(SimulatorTextError) {
                ledger.setFaults(try FaultRule.read(body))
                return status
            } catch {
                return Answerer.script(ErrorBody(400, error.description, dialect: .openAI), id: 0)
            }
        }
    }

    private var status: Script {
        let faults = ledger.faults.map { quoted($0.description) }.joined(separator: ",")
        let json = object([
            "settings": ledger.settings.json, "faults": "[\(faults)]", "counts": ledger.counts.json,
        ])
        return Answerer.script(200, json: json)
    }
}
