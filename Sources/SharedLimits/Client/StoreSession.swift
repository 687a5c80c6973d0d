/// What is said over one connection to the store, in order: who we are, what the server is, then turns.
///
/// A value without effects: replies come in, commands and events go out.
struct StoreSession: Sendable {
    enum Event: Hashable, Sendable {
        /// Turns may be sent. `run` is what the server calls itself; empty where it does not say.
        case ready(run: String)
        case answer(RESPValue)
        /// Said to all that listen.
        case message(String)
        /// The script has to be sent whole.
        case unknownScript
        /// Somebody else has the data.
        case elsewhere(StoreAddress)
        case failed(Failure)
    }

    /// Why a connection is of no use.
    enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        case refused(String)
        case notMaster
        case unknownMaster
        case unexpected

        /// Whether nothing of a turn can have been done that was refused so: Redis says these before a script's first
        /// write (`processCommand` and `scriptPrepareForRun` of Redis 7), and the script says `LATE`.
        var isOfWholeTurn: Bool {
            guard case .refused(let text) = self else { return false }
            let kinds = [
                "OOM", "READONLY", "LOADING", "BUSY", "MISCONF", "NOREPLICAS", "CLUSTERDOWN", "MASTERDOWN", "LATE",
            ]
            return kinds.contains { text.hasPrefix($0 + " ") }
        }

        var description: String {
            switch self {
            // The first word is the kind of the error; what follows may quote what was sent.
            case .refused(let text): "the store answered \(text.prefix { $0 != " " })"
            case .notMaster: "the store is a replica of another"
            case .unknownMaster: "the Sentinel does not know a server of this name"
            case .unexpected: "the store answered something that was not asked"
            }
        }
    }

    private enum Step: Hashable {
        case authentication, proto, selection, server, role, script, master, subscription, turn
    }

    private let address: StoreAddress
    private let isSentinel: Bool
    private var awaited: [Step] = []
    private var run = ""
    /// Only there a connection that listens can still speak (RESP3, Redis 6).
    private var speaksRESP3 = false
    private(set) var digest = ""

    init(to address: StoreAddress, isSentinel: Bool) {
        (self.address, self.isSentinel) = (address, isSentinel)
    }

    /// What is said first, all at once.
    mutating func greeting(_ settings: StoreSettings) -> [RESPCommand] {
        var commands: [RESPCommand] = []
        func say(_ step: Step, _ words: [String]) {
            awaited.append(step)
            commands.append(RESPCommand(words))
        }
        if let password = settings.password {
            say(.authentication, ["AUTH"] + (settings.user.map { [$0] } ?? []) + [password])
        }
        if isSentinel {
            say(.master, ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", settings.sentinelName ?? ""])
            return commands
        }
        say(.proto, ["HELLO", "3"])
        if settings.database > 0 { say(.selection, ["SELECT", "\(settings.database)"]) }
        say(.server, ["INFO", "server"])
        say(.role, ["ROLE"])
        say(.script, ["SCRIPT", "LOAD", TurnScript.text])
        return commands
    }

    /// A turn, by the script's digest or with the script itself.
    mutating func turn(_ words: [String], isWhole: Bool = false) -> RESPCommand {
        awaited.append(.turn)
        return RESPCommand((isWhole ? ["EVAL", TurnScript.text] : ["EVALSHA", digest]) + words)
    }

    /// To hear what others say; `nil` for a server that can't do that beside turns.
    mutating func subscription(to channel: String) -> RESPCommand? {
        guard speaksRESP3 else { return nil }
        awaited.append(.subscription)
        return RESPCommand("SUBSCRIBE", channel)
    }

    private mutating func received(push words: [RESPValue]) -> Event? {
        switch words.first?.text {
        case "subscribe":
            if awaited.first == .subscription { awaited.removeFirst() }
            return nil
        case "message": return words.count == 3 ? words[2].text.map { .message($0) } : nil
        default: return nil
        }
    }

    mutating func received(_ value: RESPValue) -> Event? {
        if case .push(let words) = value { return received(push: words) }
        guard !awaited.isEmpty else { return .failed(.unexpected) }
        switch awaited.removeFirst() {
        case .authentication, .selection:
            if case .error(let text) = value { return .failed(.refused(text)) }
            return nil
        case .proto:
            // An older server says that there is no such command, and an access control list may forbid it.
            if case .map = value { speaksRESP3 = true }
            return nil
        case .subscription: return nil
        case .server:
            run = Self.field("run_id", in: value.text ?? "")
            return nil
        case .role:
            // An access control list may forbid the question; then a write will tell.
            let role = value.members?.first?.text
            return role == "slave" || role == "sentinel" ? .failed(.notMaster) : nil
        case .script:
            guard let digest = value.text, digest.utf8.count == 40 else { return refusal(value) }
            self.digest = digest
            return .ready(run: run)
        case .master:
            guard let words = value.members?.map(\.text), words.count == 2, let host = words[0], let port = words[1],
                let address = StoreAddress(redirection: "\(host):\(port)", from: address)
            else { return .failed(.unknownMaster) }
            return .elsewhere(address)
        case .turn:
            guard case .error(let text) = value else { return .answer(value) }
            if text.hasPrefix("NOSCRIPT") { return .unknownScript }
            let words = text.split(separator: " ")
            if words.count == 3, words[0] == "MOVED",
                let other = StoreAddress(redirection: words[2], from: address)
            {
                return .elsewhere(other)
            }
            return refusal(value)
        }
    }

    private func refusal(_ value: RESPValue) -> Event {
        if case .error(let text) = value { return .failed(.refused(text)) }
        return .failed(.unexpected)
    }

    /// A field of what `INFO` says; empty where there is none.
    private static func field(_ name: String, in text: String) -> String {
        let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix(name + ":") }
        return String(line?.dropFirst(name.count + 1).prefix(64) ?? "")
    }
}
