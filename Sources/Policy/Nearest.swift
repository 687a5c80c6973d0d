/// Finds what somebody probably meant to write.
enum Nearest {
    /// The candidate with the fewest edits from `name`; `nil` where even that needs more than a third of its letters.
    /// A candidate that begins with `name` (three letters or more) counts as one edit away.
    static func match(_ name: String, in candidates: some Sequence<String>) -> String? {
        let written = Array(name.lowercased().unicodeScalars.prefix(64))
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let isBeginning = written.count >= 3 && candidate.unicodeScalars.starts(with: written)
            let distance = isBeginning ? 1 : editDistance(written, Array(candidate.lowercased().unicodeScalars))
            if distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        guard let best, best.distance <= max(1, best.name.count / 3) else { return nil }
        return best.name
    }

    /// `; did you mean …?`, or nothing.
    static func hint(_ name: String, in candidates: some Sequence<String>) -> String {
        match(name, in: candidates).map { "; did you mean `\($0)`?" } ?? ""
    }

    /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
    static func editDistance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...right.count)
        for i in left.indices {
            var current = [i + 1]
            for j in right.indices {
                let replaced = previous[j] + (left[i] == right[j] ? 0 : 1)
                var least = min(replaced, previous[j + 1] + 1, current[j] + 1)
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    least = min(least, beforePrevious[j - 1] + 1)
                }
                current.append(least)
            }
            (beforePrevious, previous) = (previous, current)
        }
        return previous[right.count]
    }
}
