/// Host names and IP addresses as URLs and listeners write them.
enum HostName {
    /// Lower case and without brackets; `nil` where it is neither a name nor an address.
    static func normalized(_ text: Substring) -> String? {
        if text.hasPrefix("["), text.hasSuffix("]") {
            let inner = text.dropFirst().dropLast()
            return isIPv6(inner) ? inner.lowercased() : nil
        }
        return isName(text) ? text.lowercased() : nil
    }

    /// Host and port of `host:port`, `[::1]:port` or a host alone. The port is `nil` where none is written.
    static func split(_ text: Substring) -> (host: Substring, port: Substring?)? {
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let rest = text[text.index(after: end)...]
            if rest.isEmpty { return (text[...end], nil) }
            return rest.hasPrefix(":") ? (text[...end], rest.dropFirst()) : nil
        }
        guard let colon = text.firstIndex(of: ":") else { return (text, nil) }
        let port = text[text.index(after: colon)...]
        return port.contains(":") ? nil : (text[..<colon], port)
    }

    static func port(_ text: Substring, from least: Int = 1) -> Int? {
        guard let number = Units.number(text), (least...65535).contains(number) else { return nil }
        return number
    }

    /// A name of RFC 1123 labels (underscores too, as container networks use them) or a dotted IPv4 address. What ends
    /// in a number, hexadecimal ones included, must be such an address (WHATWG URL, "ends in a number"): resolvers
    /// take `0x7f.1` for 127.0.0.1.
    private static func isName(_ text: Substring) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...253).contains(text.utf8.count), labels.allSatisfy(isLabel), let last = labels.last else {
            return false
        }
        let isNumber = last.utf8.allSatisfy(isDigit) || last.lowercased().hasPrefix("0x")
        guard isNumber else { return true }
        return isIPv4(text)
    }

    private static func isLabel(_ label: Substring) -> Bool {
        let bytes = label.utf8
        guard (1...63).contains(bytes.count), bytes.first != UInt8(ascii: "-"), bytes.last != UInt8(ascii: "-") else {
            return false
        }
        return bytes.allSatisfy { $0.isWordByte || $0 == UInt8(ascii: "-") }
    }

    static func isIPv4(_ text: Substring) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                guard let number = Units.number(part), number <= 255 else { return false }
                return part.utf8.count == 1 || !part.hasPrefix("0")
            }
    }

    /// RFC 4291 §2.2: eight groups, one run of zeros left out, the last two perhaps as IPv4. No zone.
    static func isIPv6(_ text: Substring) -> Bool {
        var groups = text.split(separator: ":", omittingEmptySubsequences: false)
        guard groups.count >= 3 else { return false }
        if groups[0].isEmpty {
            guard groups[1].isEmpty else { return false }
            groups.removeFirst()
        }
        if groups[groups.count - 1].isEmpty {
            guard groups[groups.count - 2].isEmpty else { return false }
            groups.removeLast()
        }
        let gaps = groups.count { $0.isEmpty }
        let hasIPv4 = groups.last.map { isIPv4($0) } ?? false
        let sixteenBit = groups.dropLast(hasIPv4 ? 1 : 0).filter { !$0.isEmpty }
        guard gaps <= 1, sixteenBit.allSatisfy({ $0.utf8.count <= 4 && $0.allSatisfy(\.isHexDigit) }) else {
            return false
        }
        let count = sixteenBit.count + (hasIPv4 ? 2 : 0)
        return gaps == 1 ? count < 8 : count == 8
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// Whether it is this machine under a name that needs no resolver.
    static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasSuffix(".localhost")
            || host.hasPrefix("127.") && isIPv4(host[...])
    }

    /// Whether a listener on it takes connections to every address of the machine.
    static func isWildcard(_ host: String) -> Bool {
        host == "0.0.0.0" || host == "::" || host == "*"
    }
}
