/// A place in a file. Lines and columns count from 1; a column is one Unicode scalar.
package struct Position: Comparable, Hashable, Sendable {
    package var line: Int
    package var column: Int

    package static let start = Position(line: 1, column: 1)

    package static func < (left: Position, right: Position) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// Something to say about a place in the policy file. Never holds a secret.
package struct Diagnostic: Hashable, Sendable, CustomStringConvertible {
    package var file: String
    package var position: Position
    package var severity: Severity
    package var message: String

    package enum Severity: String, Sendable {
        /// The policy can't be used.
        case error
        /// The policy can be used, though perhaps not as its author thinks.
        case warning
    }

    /// `FILE:LINE:COLUMN: error: message`, the form that editors and CI systems recognise.
    package var description: String {
        "\(file):\(position.line):\(position.column): \(severity.rawValue): \(message)"
    }
}

/// Thrown for a policy that can't be used: everything found in it, in the order of the file.
package struct InvalidPolicy: Error, CustomStringConvertible {
    /// What is said of a file that can't be read at all.
    package static func unreadable(_ file: String, why: String) -> InvalidPolicy {
        InvalidPolicy(diagnostics: [
            Diagnostic(file: file, position: .start, severity: .error, message: "can't be read: \(why)")
        ])
    }

    /// At least one of them is an error.
    package var diagnostics: [Diagnostic]

    package var mistakes: [Diagnostic] { diagnostics.filter { $0.severity == .error } }

    package var description: String {
        diagnostics.map(\.description).joined(separator: "\n")
    }
}
