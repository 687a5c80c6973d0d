/// How wide text is on a terminal, and what of a foreign text may be written there at all.
extension String {
    var columns: Int { utf8.count == unicodeScalars.count ? utf8.count : reduce(0) { $0 + $1.columns } }

    /// The beginning that takes at most so many columns.
    func cut(_ width: Int) -> String {
        guard columns > width else { return self }
        var left = width
        return String(
            prefix { character in
                left -= character.columns
                return left >= 0
            })
    }

    /// A text from outside without what a terminal would obey or let change the order of: control characters, marks of
    /// direction and the like become `?`.
    var printable: String {
        var text = ""
        for scalar in unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
                text += "?"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

extension Character {
    /// One or two: the blocks that East Asian scripts and pictographs fill are wide (Unicode Standard Annex 11, in
    /// rough).
    var columns: Int {
        guard let first = unicodeScalars.first?.value, first >= 0x1100 else { return 1 }
        let isWide =
            switch first {
            case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
                0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
                true
            default: unicodeScalars.contains("\u{FE0F}")
            }
        return isWide ? 2 : 1
    }
}
