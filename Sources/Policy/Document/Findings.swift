import Yams

/// What is found while one file is read. A class, because every reader of a part of the document adds to the one list.
final class Findings {
    private let file: String
    private var found: Set<Diagnostic> = []

    init(file: String) {
        self.file = file
    }

    /// In the order of the file. What an alias brings to several places is said once.
    var diagnostics: [Diagnostic] {
        found.sorted {
            ($0.position, $0.severity.rawValue, $0.message) < ($1.position, $1.severity.rawValue, $1.message)
        }
    }

    var hasMistakes: Bool { found.contains { $0.severity == .error } }

    func mistake(_ message: String, at position: Position) {
        insert(.error, message, position)
    }

    func warning(_ message: String, at position: Position) {
        insert(.warning, message, position)
    }

    /// Messages repeat names of the file; whatever in them would disturb a terminal or a log is replaced.
    private func insert(_ severity: Diagnostic.Severity, _ message: String, _ position: Position) {
        let shown = message.unicodeScalars.prefix(Self.maxMessage).map { $0.isPrintable ? $0 : "?" }
        let text = String(String.UnicodeScalarView(shown))
        found.insert(Diagnostic(file: file, position: position, severity: severity, message: text))
    }

    private static let maxMessage = 1000
}

extension Unicode.Scalar {
    fileprivate var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: false
        default: true
        }
    }
}

extension Position {
    init(_ mark: Mark) {
        self.init(line: mark.line, column: mark.column)
    }
}
