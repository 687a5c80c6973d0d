/// Looks secrets up where the file says that they are.
package struct SecretSource {
    /// What becomes of a secret that can't be found.
    package enum Missing: Sendable {
        /// A warning: the file is looked at where its secrets need not be, in CI for instance.
        case tolerated
        /// A mistake: the file is about to be used.
        case refused
    }

    package var missing: Missing
    package var environment: (String) -> String?
    /// The bytes of a file; what it throws is shown in a message.
    package var readFile: (String) throws -> [UInt8]

    package init(
        missing: Missing, environment: @escaping (String) -> String?, readFile: @escaping (String) throws -> [UInt8]
    ) {
        self.missing = missing
        self.environment = environment
        self.readFile = readFile
    }

    /// Larger files are no secrets.
    static let maxBytes = 64 << 10

    /// The value without the line end that editors and `echo` leave, or why there is none.
    func value(of source: Secret.Source) -> Result<String, Unavailable> {
        let value: String
        switch source {
        case .environment(let name):
            guard let found = environment(name) else { return .failure(Unavailable(why: "`\(name)` is not set")) }
            value = found
        case .file(let path):
            do {
                let bytes = try readFile(path)
                guard bytes.count <= Self.maxBytes, let text = String(validating: bytes, as: UTF8.self) else {
                    return .failure(Unavailable(why: "`\(path)` holds no text of at most 64KiB"))
                }
                value = text
            } catch {
                return .failure(Unavailable(why: "`\(path)` can't be read: \(error)"))
            }
        }
        let trimmed = value.last?.isNewline == true ? String(value.dropLast()) : value
        if trimmed.isEmpty { return .failure(Unavailable(why: "\(source.text) is empty")) }
        return .success(trimmed)
    }

    struct Unavailable: Error {
        var why: String
    }
}

extension Secret.Source {
    var text: String {
        switch self {
        case .environment(let name): "`\(name)`"
        case .file(let path): "`\(path)`"
        }
    }
}

extension Field {
    /// The path of a file that is read when the proxy starts. A missing one is said here only where the file is looked at
    /// without being used; the start says it otherwise.
    func path() -> String? {
        guard let path = string() else { return nil }
        guard case .tolerated = reading.secrets.missing else { return path }
        do {
            _ = try reading.secrets.readFile(path)
        } catch {
            warning("the file of `\(key)` can't be read: \(error)")
        }
        return path
    }

    /// `{env: NAME}` or `{file: /path}`. No message repeats what stands in the file instead, for it may be the secret.
    func secret() -> Secret? {
        guard let source = secretSource() else { return nil }
        switch reading.secrets.value(of: source) {
        case .success(let value):
            guard value.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value < 0x7F }) else {
                mistake("the secret in \(source.text) has characters that can't stand in a header")
                return nil
            }
            return Secret(source: source, value: value)
        case .failure(let unavailable):
            let message = "the secret of `\(key)` is missing: \(unavailable.why)"
            switch reading.secrets.missing {
            case .tolerated: warning(message)
            case .refused: mistake(message)
            }
            return Secret(source: source, value: nil)
        }
    }

    private func secretSource() -> Secret.Source? {
        let form = "`\(key)` is a secret and does not stand in the file: write {env: NAME} or {file: /path}"
        guard isMapping, let entries = entries(), entries.count == 1, let entry = entries.first,
            let text = entry.node.scalar?.string
        else {
            mistake(form)
            return nil
        }
        switch entry.key {
        case "env" where text.isEnvironmentName: return .environment(text)
        case "file" where text.hasPrefix("/"): return .file(text)
        case "env": entry.mistake("`env` names an environment variable: letters, digits and underscores")
        case "file": entry.mistake("`file` is a path that begins with /")
        default: mistake(form)
        }
        return nil
    }
}

extension String {
    fileprivate var isEnvironmentName: Bool {
        guard let first = utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
        return utf8.allSatisfy(\.isWordByte)
    }
}

extension UInt8 {
    /// A letter, a digit or an underscore.
    var isWordByte: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
