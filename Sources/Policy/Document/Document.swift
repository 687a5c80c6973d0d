import Yams

/// The file as a tree of YAML nodes, before anything is known about their meaning.
struct Document {
    let root: Node
    /// Keys that stand under another name in the tree; see ``DuplicateKeys``.
    let duplicates: DuplicateKeys

    /// Larger files are refused before they are parsed.
    static let maxBytes = 1 << 20
    /// Nodes after every alias has been followed, so that nested aliases can't make a small file endless. The parser
    /// compares keys before anyone can count, so aliases inside keys escape this bound: it is there against accidents,
    /// for who may write this file may do worse.
    static let maxNodes = 100_000

    /// `nil` where there is no tree to read; the findings then say why.
    init?(_ bytes: [UInt8], findings: Findings) {
        guard bytes.count <= Self.maxBytes else {
            findings.mistake("the file is larger than 1 MiB", at: .start)
            return nil
        }
        guard let text = Self.text(bytes, findings: findings) else { return nil }
        var duplicates = DuplicateKeys(text: text)
        guard let root = Self.parse(&duplicates, findings: findings) else { return nil }
        guard Self.isBounded(root) else {
            findings.mistake("aliases make the document larger than \(Self.maxNodes) nodes", at: .start)
            return nil
        }
        self.root = root
        self.duplicates = duplicates
    }

    /// A byte order mark is taken off, so that the columns of the first line are those an editor shows.
    private static func text(_ bytes: [UInt8], findings: Findings) -> String? {
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let content = bytes.starts(with: byteOrderMark) ? bytes.dropFirst(3) : bytes[...]
        guard let text = String(validating: content, as: UTF8.self) else {
            findings.mistake("the file is not valid UTF-8", at: Lines.firstInvalid(in: content))
            return nil
        }
        return text
    }

    /// Parses again with one more duplicate key out of the way, as long as there is one, so that a duplicate key does
    /// not hide the other mistakes.
    private static func parse(_ duplicates: inout DuplicateKeys, findings: Findings) -> Node? {
        while true {
            do {
                // Without the default resolver keys compare as text, as this file's keys are all text.
                let parser = try Parser(yaml: duplicates.text, resolver: .basic, encoding: .utf8)
                if let root = try parser.singleRoot() { return root }
                findings.mistake("the file is empty; it needs `upstreams`", at: .start)
                return nil
            } catch let error as YamlError {
                if case .duplicatedKeysInMapping(let keys, let context) = error, let key = keys.first,
                    duplicates.rename(key, at: Position(context.mark))
                {
                    continue
                }
                let (message, position) = error.finding(in: duplicates.text)
                findings.mistake(message, at: Lines.clamped(position, in: duplicates.text))
                return nil
            } catch {
                findings.mistake("not valid YAML", at: .start)
                return nil
            }
        }
    }

    private static func isBounded(_ root: Node) -> Bool {
        var open = [root]
        var count = 0
        while let node = open.popLast() {
            count += 1
            if count + open.count > maxNodes { return false }
            switch node {
            case .mapping(let mapping):
                for (key, value) in mapping {
                    open.append(key)
                    open.append(value)
                }
            case .sequence(let sequence): open.append(contentsOf: sequence)
            case .scalar, .alias: break
            }
        }
        return true
    }
}

extension YamlError {
    /// What is wrong and where, without the file's text: a line of it could hold a secret.
    fileprivate func finding(in text: String) -> (message: String, position: Position) {
        switch self {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _):
            let position = Position(mark)
            if Lines.scalar(at: position, in: text) == "\t" {
                return ("not valid YAML: a tab can't indent; use spaces", position)
            }
            return ("not valid YAML: \(problem)", position)
        case .composer(_, let problem, let mark, _):
            if problem.contains("another document") {
                return ("a second document begins here; a file holds one", Position(mark))
            }
            return ("not valid YAML: \(problem)", Position(mark))
        case .reader(let problem, let offset, _, _):
            return ("not valid YAML: \(problem)", Lines.position(ofCharacter: offset ?? 0, in: text))
        case .duplicatedKeysInMapping(let keys, let context):
            return ("duplicate key `\(keys.first ?? "")`", Position(context.mark))
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            return ("not valid YAML", .start)
        }
    }
}
