import Policy
import ProviderSimulator
import Yams

/// The YAML form of `penstock simulate`'s flags: a mapping of the same names with `_` for `-`.
struct SimulatorFile {
    let path: String

    /// What is wrong, and where.
    struct Mistake: Error, CustomStringConvertible {
        let description: String
    }

    /// Lays the file over the settings; flags are laid over the result.
    func apply(to settings: inout SimulatorSettings, listen: inout String?) throws {
        let bytes = try FileBytes.read(path, atMost: 1 << 20)
        guard let root = try Yams.compose(yaml: String(decoding: bytes, as: UTF8.self)) else { return }
        guard let mapping = root.mapping else { throw mistake(root, "expected a mapping") }
        for (key, value) in mapping { try apply(key, value, &settings, &listen) }
    }

    private func apply(_ key: Node, _ value: Node, _ settings: inout SimulatorSettings, _ listen: inout String?) throws
    {
        switch key.string {
        case "listen": listen = try text(value)
        case "limits": settings.limits = try list(value) { try LimitRule($0) }
        case "faults": settings.faults = try list(value) { try FaultRule($0) }
        case "latency": settings.latency = try parsed(value) { try Latency($0) }
        case "tokens_per_second": settings.tokensPerSecond = try number(value, value.float)
        case "output_tokens": settings.outputTokens = try number(value, value.int)
        case "seed": settings.seed = try number(value, value.int.flatMap { UInt64(exactly: $0) })
        case "refused": settings.refusedRequests = try number(value, value.string.flatMap(RefusedRequests.init))
        case "tls": settings.tls = try tls(value)
        default:
            let known = "listen limits faults latency tokens_per_second output_tokens seed refused tls"
            throw mistake(key, "unknown key `\(key.string ?? "?")`; there are \(known)")
        }
    }

    private func tls(_ node: Node) throws -> SimulatorSettings.TLS {
        guard let mapping = node.mapping, mapping.count == 2, let certificate = mapping["cert"]?.string,
            let key = mapping["key"]?.string
        else { throw mistake(node, "expected {cert: PATH, key: PATH}") }
        return SimulatorSettings.TLS(certificate: certificate, key: key)
    }

    private func list<Value>(_ node: Node, _ parse: (String) throws -> Value) throws -> [Value] {
        guard let items = node.sequence else { throw mistake(node, "expected a list") }
        return try items.map { item in try parsed(item, parse) }
    }

    private func parsed<Value>(_ node: Node, _ parse: (String) throws -> Value) throws -> Value {
        let text = try text(node)
        do {
            return try parse(text)
        } catch {
            throw mistake(node, "\(error)")
        }
    }

    private func text(_ node: Node) throws -> String {
        guard let text = node.string else { throw mistake(node, "expected a text") }
        return text
    }

    private func number<Value>(_ node: Node, _ value: Value?) throws -> Value {
        guard let value else { throw mistake(node, "`\(node.string ?? "")` is not possible here") }
        return value
    }

    private func mistake(_ node: Node, _ message: String) -> Mistake {
        let (line, column) = node.mark.map { ($0.line, $0.column) } ?? (1, 1)
        return Mistake(description: "\(path):\(line):\(column): error: \(message)")
    }
}
