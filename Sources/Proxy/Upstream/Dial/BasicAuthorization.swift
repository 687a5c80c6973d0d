/// The field that carries a user and a password (RFC 7617).
enum BasicAuthorization {
    /// - Parameter credentials: `user:password`.
    static func field(_ credentials: String) -> String {
        "Basic " + Base64.encode(credentials.utf8)
    }
}
