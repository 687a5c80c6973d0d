import Admission

/// What the limits should hold at each moment, kept by who watches the gate and in a simpler way than the gate does it.
struct Books {
    /// One limit for one combination of the values that it is per.
    struct Account {
        let limit: Int
        let values: [String]
        let terms: Limit.Terms
        var inFlight = 0
        var underWay = 0
        var combinations: [Combination] = []
        var rates: [RateAccount]
    }

    /// What a distinct limit counts.
    struct Combination {
        let values: [String]
        var inFlight = 0
        var waiting = 0
        var isUnderWay = false
    }

    /// An account that concerns a request, and its combination there, or -1.
    struct Tie {
        let account: Int
        let combination: Int
    }

    private struct Key: Hashable {
        let limit: Int
        let values: [String]
    }

    private struct Sender: Hashable {
        let identity: Identity
        let key: Int
    }

    private var rules: GateRules
    private(set) var accounts: [Account] = []
    private var places: [Key: Int] = [:]
    private var paths: [[Tie]] = []
    private var pathPlaces: [Sender: Int] = [:]
    /// Sends may be on their way that the former rules allowed.
    private var settlesAt = Instant(nanoseconds: .min)
    /// Tokens that are reserved are known exactly, so that their limits can be judged like those of requests.
    var judgesTokens = false
    /// The first thing that was wrong.
    private(set) var complaint: String?

    init(_ rules: GateRules) { self.rules = rules }

    private mutating func complain(_ account: Int, _ text: String) {
        if complaint == nil { complaint = "\(name(accounts[account])): \(text)" }
    }

    // MARK: Who is concerned

    /// - Parameter key: the one that an attempt goes out with, -1 while there is none.
    mutating func path(of identity: Identity, key: Int = -1) -> Int {
        let sender = Sender(identity: identity, key: key)
        if let known = pathPlaces[sender] { return known }
        let ties = rules.limits.indices.compactMap { index -> Tie? in
            let limit = rules.limits[index]
            guard limit.mode == .enforce, limit.applies(to: identity), limit.keys.isEmpty || limit.keys.contains(key)
            else { return nil }
            let account = account(of: index, limit, identity)
            let combination = limit.terms.distinct.map { self.combination(in: account, $0.of.map { identity[$0] }) }
            return Tie(account: account, combination: combination ?? -1)
        }
        paths.append(ties)
        pathPlaces[sender] = paths.count - 1
        return paths.count - 1
    }

    func ties(_ path: Int) -> [Tie] { paths[path] }

    private mutating func account(of index: Int, _ limit: Limit, _ identity: Identity) -> Int {
        let key = Key(limit: index, values: limit.per.map { identity[$0] })
        if let known = places[key] { return known }
        let terms = limit.terms(for: identity)
        accounts.append(
            Account(
                limit: index, values: key.values, terms: terms,
                rates: terms.rates.map { RateAccount($0, rules) }))
        places[key] = accounts.count - 1
        return accounts.count - 1
    }

    private mutating func combination(in account: Int, _ values: [String]) -> Int {
        if let known = accounts[account].combinations.firstIndex(where: { $0.values == values }) { return known }
        accounts[account].combinations.append(Combination(values: values))
        return accounts[account].combinations.count - 1
    }

    /// Goes on by other rules. Names, callers and order of the limits stay, their numbers may change.
    mutating func replace(_ new: GateRules, settlingAt instant: Instant) {
        let old = accounts
        self.rules = new
        settlesAt = instant
        (accounts, places, paths, pathPlaces) = ([], [:], [], [:])
        for account in old {
            let limit = new.limits[account.limit]
            let terms = account.values.last.flatMap { limit.overrides[$0] } ?? limit.terms
            var rates = terms.rates.map { RateAccount($0, new) }
            for index in rates.indices {
                let rate = rates[index].rate
                let same = account.rates.first { $0.rate.unit == rate.unit && $0.rate.window == rate.window }
                if let same { rates[index].inherit(same) }
            }
            places[Key(limit: account.limit, values: account.values)] = accounts.count
            accounts.append(Account(limit: account.limit, values: account.values, terms: terms, rates: rates))
        }
    }

    // MARK: Slots

    mutating func wait(_ path: Int) {
        for tie in paths[path] where tie.combination >= 0 {
            accounts[tie.account].combinations[tie.combination].waiting += 1
        }
    }

    mutating func waitNoLonger(_ path: Int) {
        for tie in paths[path] where tie.combination >= 0 {
            accounts[tie.account].combinations[tie.combination].waiting -= 1
            endIfIdle(tie)
        }
    }

    /// - Parameter isNew: whether the permit was granted now, not before the rules changed.
    mutating func grant(_ path: Int, isNew: Bool = true) {
        for tie in paths[path] {
            accounts[tie.account].inFlight += 1
            begin(tie)
            let account = accounts[tie.account]
            guard isNew else { continue }
            if let most = account.terms.inFlight, account.inFlight > most {
                complain(tie.account, "\(account.inFlight) of \(most) slots are held")
            }
            if let most = account.terms.distinct?.atMost, account.underWay > most {
                complain(tie.account, "\(account.underWay) of \(most) are under way")
            }
        }
    }

    private mutating func begin(_ tie: Tie) {
        guard tie.combination >= 0 else { return }
        accounts[tie.account].combinations[tie.combination].inFlight += 1
        guard !accounts[tie.account].combinations[tie.combination].isUnderWay else { return }
        accounts[tie.account].combinations[tie.combination].isUnderWay = true
        accounts[tie.account].underWay += 1
    }

    mutating func end(_ path: Int) {
        for tie in paths[path] {
            accounts[tie.account].inFlight -= 1
            guard tie.combination >= 0 else { continue }
            accounts[tie.account].combinations[tie.combination].inFlight -= 1
            endIfIdle(tie)
        }
    }

    private mutating func endIfIdle(_ tie: Tie) {
        let combination = accounts[tie.account].combinations[tie.combination]
        guard combination.isUnderWay, combination.inFlight == 0, combination.waiting == 0 else { return }
        accounts[tie.account].combinations[tie.combination].isUnderWay = false
        accounts[tie.account].underWay -= 1
    }

    // MARK: Rates

    /// An attempt is charged for the first time or for another instant than before.
    mutating func charge(_ path: Int, attempt: Int, _ tokens: Tokens, at instant: Instant, isMoved: Bool = false) {
        each(path) { rate, _ in
            if isMoved { rate.uncharge(attempt) }
            rate.charge(attempt, tokens, at: instant)
            return nil
        }
    }

    mutating func uncharge(_ path: Int, attempt: Int) {
        each(path) { rate, _ in
            rate.uncharge(attempt)
            return nil
        }
    }

    /// The tokens that an attempt used are known.
    mutating func settle(_ path: Int, attempt: Int, _ usage: Tokens, at instant: Instant) {
        each(path) { rate, _ in
            rate.settle(attempt, usage, at: instant)
            return nil
        }
    }

    mutating func sent(_ path: Int, at instant: Instant) {
        each(path) { rate, _ in rate.sent(at: instant) }
    }

    /// An attempt is at the provider, which counts what it reserves or uses.
    mutating func arrived(_ path: Int, _ units: (Limit.Unit) -> Int, at instant: Instant) {
        let isSettled = instant >= settlesAt
        let judgesTokens = judgesTokens
        each(path) { rate, _ in
            guard rate.rate.unit == .requests || judgesTokens else { return nil }
            let complaint = rate.arrived(units(rate.rate.unit), at: instant)
            return isSettled ? complaint : nil
        }
    }

    mutating func unused(_ path: Int, _ units: (Limit.Unit) -> Int, arrivedAt instant: Instant) {
        guard judgesTokens else { return }
        each(path) { rate, _ in
            let back = units(rate.rate.unit)
            if back > 0 { rate.unused(back, arrivedAt: instant) }
            return nil
        }
    }

    private mutating func each(_ path: Int, _ body: (inout RateAccount, Int) -> String?) {
        for tie in paths[path] {
            for index in accounts[tie.account].rates.indices {
                guard let text = body(&accounts[tie.account].rates[index], index) else { continue }
                complain(tie.account, text)
            }
        }
    }

    /// Compares a cell's report with its account; an account that nobody has met holds nothing.
    mutating func compared(
        _ cell: GateReport.CellReport, of limit: Int, _ body: (inout RateAccount, Int) -> String?
    ) -> String? {
        guard let place = places[Key(limit: limit, values: cell.values)] else {
            return cell.inFlight == 0 ? nil : "\(rules.limits[limit].name): \(cell.inFlight) slots are held by nobody"
        }
        let account = accounts[place]
        if cell.inFlight != account.inFlight || cell.underWay != account.underWay {
            return "\(name(account)): \(cell.inFlight) slots and \(cell.underWay) under way in its books, "
                + "\(account.inFlight) and \(account.underWay) in ours"
        }
        for index in account.rates.indices where account.rates[index].rate.window < .days(1) {
            guard let used = cell.rates.first(where: { $0.rate == account.rates[index].rate })?.used,
                let text = body(&accounts[place].rates[index], used)
            else { continue }
            return "\(name(account)): \(text)"
        }
        return nil
    }

    func name(_ account: Account) -> String {
        ([rules.limits[account.limit].name] + account.values).joined(separator: " ")
    }
}
