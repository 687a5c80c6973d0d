/// Which key an attempt goes out with.
///
/// A waiting ask is bound to no key: it may go when its other limits allow and all limits of any one key do. Of those
/// keys the least loaded takes it. Of each key as many cells are looked at as it has limits; there are at most 64 keys.
extension Gate {
    // MARK: Choices

    /// Stands for all keys wherever an identity's requests meet the limits that the keys have for them.
    mutating func keyAttachment(for identity: Identity) -> Attachment {
        let applying = rules.limits.indices.filter {
            !rules.limits[$0].keys.isEmpty && rules.limits[$0].applies(to: identity)
        }
        if let known = registry.choices[applying] { return Attachment(cell: known, entry: -1) }
        let limits = rules.keys.indices.map { key in applying.filter { rules.limits[$0].keys.contains(key) } }
        let cells = limits.map { $0.map { keyCell(of: $0) } }
        let choice = self.cells.insert(
            Cell(choice: keyring.choices.count, countsTokens: applying.contains { rules.limits[$0].countsTokens }))
        let terms = limits.map { $0.map { (limit: $0, terms: rules.limits[$0].terms) } }
        keyring.choices.append(KeyChoice(cell: choice, cells: cells, terms: terms))
        registry.choices[applying] = choice
        return Attachment(cell: choice, entry: -1)
    }

    private mutating func keyCell(of limit: Int) -> Attachment {
        let cell = cell(of: limit, rules.limits[limit], Identity())
        // Never forgotten: there are only as many as the rules name.
        cells[cell].users += 1
        return Attachment(cell: cell, entry: -1)
    }

    /// The keys as a flow's requests find them; `nil` where there are none.
    mutating func choice(of flow: Int) -> Int? {
        guard !keyring.isEmpty else { return nil }
        for attachment in line.attachments(of: flow) where cells[attachment.cell].choice >= 0 {
            return cells[attachment.cell].choice
        }
        return nil
    }

    /// The cells that an attempt is charged in for its key.
    mutating func keyAttachments(of flow: Int, key: Int) -> [Attachment] {
        guard key >= 0, let choice = choice(of: flow) else { return [] }
        return keyring.choices[choice].cells[key]
    }

    /// All cells that an attempt is charged in.
    mutating func charged(by flow: Int, key: Int) -> [Attachment] {
        key < 0 ? line.charged(by: flow) : line.charged(by: flow) + keyAttachments(of: flow, key: key)
    }

    // MARK: When

    /// Which keys come into question for a request.
    private struct Selection {
        let choice: Int
        let tokens: Tokens
        /// Whether the provider turns all keys away.
        let isLastResort: Bool
        /// Whether some key has room for so many tokens, so that those which never have are left out.
        let leavesOutSmall: Bool
    }

    private mutating func selection(_ choice: Int, for tokens: Tokens) -> Selection {
        let isCounted = tokens != .none && cells[keyring.choices[choice].cell].countsTokens
        let leavesOut = isCounted && keyring.keys.indices.contains { fits(tokens, $0, choice) }
        return Selection(
            choice: choice, tokens: tokens, isLastResort: keyring.isExhausted(now: now), leavesOutSmall: leavesOut)
    }

    private mutating func fits(_ tokens: Tokens, _ key: Int, _ choice: Int) -> Bool {
        for attachment in keyring.choices[choice].cells[key] {
            if cells[attachment.cell].rateNeverFit(by: tokens) != nil { return false }
        }
        return true
    }

    /// The earliest instant at which any key lets one more go, `now` or later.
    mutating func opening(ofChoice choice: Int, for tokens: Tokens) -> Instant {
        let selection = selection(choice, for: tokens)
        var earliest = Instant.never
        for key in keyring.keys.indices {
            let opening = opening(of: key, selection, from: now)
            if opening <= now { return now }
            earliest = min(earliest, opening)
        }
        return earliest
    }

    private mutating func opening(of key: Int, _ selection: Selection, from instant: Instant) -> Instant {
        if selection.leavesOutSmall, !fits(selection.tokens, key, selection.choice) { return .never }
        var latest = keyring.opening(of: key, isLastResort: selection.isLastResort, now: instant)
        for attachment in keyring.choices[selection.choice].cells[key] where latest < .never {
            latest = max(latest, cells[attachment.cell].opening(isNew: false, for: selection.tokens, now: instant))
        }
        return latest
    }

    /// Before this no key lets one go that has so many others before it.
    ///
    /// However the others spread over the keys, some key has to serve its part of them first.
    mutating func rated(ofChoice choice: Int, for tokens: Tokens, behind others: Int) -> Instant {
        let selection = selection(choice, for: tokens)
        var earliest = Instant.never
        for key in keyring.keys.indices {
            if selection.leavesOutSmall, !fits(tokens, key, choice) { continue }
            var latest = keyring.opening(of: key, isLastResort: selection.isLastResort, now: now)
            // Nobody knows when a trial ends.
            if latest == .never { latest = now }
            let part = others * keyring.choices[choice].parts[key] / 1000
            for attachment in keyring.choices[choice].cells[key] {
                latest = max(latest, cells[attachment.cell].rated(for: tokens, behind: part, now: now))
            }
            earliest = min(earliest, latest)
        }
        return earliest
    }

    /// The cell to name where one holds a request back: of a choice one of the first key's, `nil` where no limit does.
    mutating func namedCell(_ cell: Int, for tokens: Tokens) -> Int? {
        cells[cell].choice < 0 ? cell : bindingCell(ofChoice: cells[cell].choice, for: tokens)
    }

    /// Of the cells of the key that lets one go first, the one that does so last; `nil` where none holds it.
    private mutating func bindingCell(ofChoice choice: Int, for tokens: Tokens) -> Int? {
        let key = nextKey(choice, for: tokens, from: now).key
        var binding: (cell: Int, opening: Instant)?
        for attachment in keyring.choices[choice].cells[key] {
            let opening = cells[attachment.cell].opening(isNew: false, for: tokens, now: now)
            if let known = binding, opening <= known.opening { continue }
            binding = (attachment.cell, opening)
        }
        return binding?.cell
    }

    // MARK: Who

    /// The key that lets one go first; among those that do so at the same time the least loaded, then the one with the
    /// fewest attempts under way, then the one whose last use is longest ago.
    mutating func nextKey(_ choice: Int, for tokens: Tokens, from instant: Instant) -> (key: Int, opening: Instant) {
        let selection = selection(choice, for: tokens)
        var best = (key: 0, opening: Instant.never)
        var bestLoad: KeyLoad?
        for key in keyring.keys.indices {
            let opening = opening(of: key, selection, from: instant)
            guard opening < .never, opening <= best.opening else { continue }
            let load = load(of: key, choice)
            if opening == best.opening, let bestLoad, !(load < bestLoad) { continue }
            (best, bestLoad) = ((key, opening), load)
        }
        return best
    }

    private mutating func load(of key: Int, _ choice: Int) -> KeyLoad {
        var used = 0
        for attachment in keyring.choices[choice].cells[key] {
            used = max(used, cells[attachment.cell].load(now: now))
        }
        return KeyLoad(used: used, inFlight: keyring.keys[key].inFlight, lastUse: keyring.keys[key].lastUse)
    }

    // MARK: Taking

    /// Takes the key that an attempt of a flow goes out with; -1 where the upstream has none to choose from.
    mutating func takeKey(for flow: Int, _ tokens: Tokens) -> Int {
        guard let choice = choice(of: flow) else { return -1 }
        let key = nextKey(choice, for: tokens, from: now).key
        keyring.take(key, now: now)
        keyring.keys[key].pause.sent(at: now)
        return key
    }

    /// Looks at what stands for keys, after something changed in one of them or in one of its limits.
    mutating func touchChoices() {
        for choice in keyring.choices { touch(choice.cell) }
    }

    /// Has an attempt that has not been sent choose anew where another key lets it go earlier, at this instant or later;
    /// its units are not charged. Returns when its key lets it go.
    mutating func rebind(_ place: Int, from instant: Instant) -> Instant {
        let attempt = permits[place]
        guard let choice = choice(of: attempt.flow) else { return instant }
        if attempt.key >= 0 {
            keyring.giveBack(attempt.key, takenAt: attempt.keyTakenAt)
            for attachment in keyAttachments(of: attempt.flow, key: attempt.key) { cells[attachment.cell].release() }
        }
        var (key, opening) = nextKey(choice, for: attempt.reserve.tokens, from: instant)
        if attempt.key >= 0 {
            let selection = selection(choice, for: attempt.reserve.tokens)
            if self.opening(of: attempt.key, selection, from: instant) <= opening { key = attempt.key }
        }
        keyring.take(key, isAgain: key == attempt.key, now: now)
        for attachment in keyAttachments(of: attempt.flow, key: key) { cells[attachment.cell].occupy() }
        (permits[place].key, permits[place].keyTakenAt) = (key, now)
        touchChoices()
        // Where only an end can make room with any of them, it goes with what it has.
        return opening < .never ? opening : instant
    }

    // MARK: Refusals

    /// The provider turned an attempt's key away: its money is used up, or it is not valid. The key is left out for a
    /// while.
    ///
    /// - Returns: whether another key may take the attempt.
    package mutating func refusedKey(of permit: Permit, _ fault: KeyFault, now instant: Instant) -> Bool {
        tick(instant)
        let attempt = attempt(of: permit)
        guard attempt.key >= 0 else { return false }
        keyring.keys[attempt.key].suspension.refused(fault, takenAt: attempt.keyTakenAt, now: now)
        touchChoices()
        dispatch()
        return keyring.hasAnother(than: attempt.key, now: now)
    }

    /// The key that a permit's attempt is to be sent with, by its place in ``GateRules/keys``; `nil` where there are
    /// none. It is the permit's until its end, unless ``depart(_:now:)`` or ``replace(_:now:)`` comes between.
    package mutating func key(of permit: Permit) -> Int? {
        if attempt(of: permit).key < 0, !keyring.isEmpty {
            // The rules have changed since it was granted, and its key is gone.
            let opening = rebind(permit.place, from: now)
            let attempt = permits[permit.place]
            for attachment in keyAttachments(of: attempt.flow, key: attempt.key) {
                _ = cells[attachment.cell].charge(attempt.reserve.tokens, at: max(opening, now))
            }
        }
        let key = permits[permit.place].key
        return key >= 0 ? key : nil
    }

    /// Whether a key's own pause or that of one of its limits holds an attempt back now.
    mutating func isKeyPaused(_ attempt: Attempt) -> Bool {
        guard attempt.key >= 0 else { return false }
        return keyring.keys[attempt.key].pause.until > now
            || keyAttachments(of: attempt.flow, key: attempt.key).contains { cells[$0.cell].pausedUntil > now }
    }

    /// Pauses an attempt's key, or where it has limits for this kind of request only, those; and of its limits only what
    /// the provider named, where it did.
    mutating func pauseKey(of attempt: Attempt, until instant: Instant, exceeded: ExceededLimit? = nil) {
        let attachments = keyAttachments(of: attempt.flow, key: attempt.key)
        let own = attachments.filter { !rules.limits[cells[$0.cell].limit].match.isEmpty }
        if let exceeded {
            for some in [own, attachments] where pause(some, until: instant, exceeded) { return }
        }
        for attachment in own { cells[attachment.cell].pause(until: instant) }
        if own.isEmpty, instant > max(now, keyring.keys[attempt.key].pause.until) {
            let slots = attachments.map { cells[$0.cell].maxInFlight }.min() ?? .max
            keyring.keys[attempt.key].pause.set(until: instant, slots: slots)
            for attachment in attachments { cells[attachment.cell].forgoBurst(until: instant) }
        }
        touchChoices()
    }
}

/// How much is asked of a key already; the least comes first.
private struct KeyLoad: Comparable {
    /// Of its scarcest limit, in millionths.
    let used: Int
    let inFlight: Int
    let lastUse: Int

    static func < (left: KeyLoad, right: KeyLoad) -> Bool {
        (left.used, left.inFlight, left.lastUse) < (right.used, right.inFlight, right.lastUse)
    }
}
