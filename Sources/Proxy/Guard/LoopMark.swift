import NIOHTTP1

/// How a request is known again that has come round through this process, where addresses do not tell: through another
/// proxy or a load balancer.
///
/// A provider sees nothing of it. Its own answer is looked at, which costs nothing on the wire, and only requests to
/// private addresses may carry a mark, and only while ``LoopWatch`` has a suspicion.
struct LoopMark: Sendable {
    /// The process's own name within its network.
    private let pseudonym: String
    private let requestIDs: String
    /// The value of the `Via` field that a marked request carries (RFC 9110 §7.6.3).
    let via: String

    /// - Parameter instance: what tells this process from others; letters and digits.
    init(instance: String) {
        pseudonym = "penstock-\(instance)"
        requestIDs = "\(instance)-"
        via = "1.1 \(pseudonym)"
    }

    /// Whether a request has been here before.
    func isOn(_ headers: HTTPHeaders) -> Bool {
        for (name, value) in headers where name.utf8.count == 3 && FieldName.matches(name, "via") {
            if FieldName.elements(value).contains(where: { isOwn($0) }) { return true }
        }
        return false
    }

    /// Whether an answer was made here: a refusal of this process that comes from upstream carries the number of one of
    /// its own requests, in the field in which the provider's errors have one.
    func isOnAnswer(_ headers: HTTPHeaders) -> Bool {
        for (name, value) in headers {
            switch name.utf8.count {
            case 12 where FieldName.matches(name, "x-request-id"), 10 where FieldName.matches(name, "request-id"):
                if value.hasPrefix(requestIDs) { return true }
            default: break
            }
        }
        return false
    }

    /// `1.1 penstock-k3x9 (comment)`: protocol, name, and perhaps a comment.
    private func isOwn(_ element: String) -> Bool {
        let words = element.split(whereSeparator: { $0 == " " || $0 == "\t" })
        return words.count >= 2 && words[1] == pseudonym
    }
}

/// Whether requests to one upstream might be coming round: many have gone and no answer has come since.
///
/// Each turn of a loop sends one more and answers none. An upstream that is only slow looks the same for a while; then
/// some requests carry a field that it ignores.
struct LoopWatch: Sendable {
    private var unanswered = 0

    /// Requests that go before there is a suspicion.
    private static let unsuspicious = 3

    /// An attempt is about to go. Says whether it is to carry the mark.
    ///
    /// - Parameter isPrivate: whether the upstream's address is a private or loopback one: a provider's is not.
    mutating func sends(toPrivate isPrivate: Bool) -> Bool {
        guard isPrivate else { return false }
        unanswered += 1
        return unanswered > Self.unsuspicious
    }

    /// An answer's head has come that this process has not made itself.
    mutating func answered() {
        unanswered = 0
    }
}
