import Rehearsal

extension SplitMix64 {
    /// Pieces of a vocabulary in random order, with random bytes in between: closer to real input than noise.
    mutating func text(from words: [String], pieces: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 0...pieces, using: &self) {
            if Int.random(in: 0..<8, using: &self) == 0 {
                bytes.append(UInt8.random(in: 0...255, using: &self))
            } else if let word = words.randomElement(using: &self) {
                bytes.append(contentsOf: word.utf8)
            }
        }
        return bytes
    }
}
