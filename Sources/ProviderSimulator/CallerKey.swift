import NIOHTTP1

/// By what the limits per key tell callers apart: the header in which their provider takes the API key.
enum CallerKey {
    static func of(_ headers: HTTPHeaders) -> String {
        if let authorization = headers.first(name: "authorization") {
            // Each request of Amazon's callers has a signature of its own; who signs stands before the first slash.
            guard authorization.hasPrefix("AWS4-HMAC-SHA256 ") else { return authorization }
            return String(authorization.splitOnce("/").0)
        }
        for name in ["x-api-key", "x-goog-api-key", "api-key"] {
            if let key = headers.first(name: name) { return key }
        }
        return ""
    }
}
