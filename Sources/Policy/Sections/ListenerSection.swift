extension Field {
    /// An address, or a mapping of an address and a certificate.
    func listener() -> Listener? {
        guard isMapping else { return address().map { Listener(address: $0) } }
        guard let section = section(["address", "tls"]) else { return nil }
        return Self.listener(section.required("address")?.address(), section)
    }

    private static func listener(_ address: Listener.Address?, _ section: Section) -> Listener? {
        guard let tls = section["tls"] else { return address.map { Listener(address: $0) } }
        let certificate = tls.certificate()
        guard let address, let certificate else { return nil }
        return Listener(address: address, tls: certificate)
    }

    /// `admin`: like a listener, with what may be done there. Its address is the usual one where none stands.
    func admin() -> (listener: Listener?, allowsChanges: Bool) {
        guard isMapping else { return (listener(), false) }
        guard let section = section(["address", "tls", "allow_changes"]) else { return (nil, false) }
        let allowsChanges = section["allow_changes"]?.flag() ?? false
        guard let address = section["address"] else {
            return (section["tls"] == nil ? nil : Self.listener(Listener.standardAdmin.address, section), allowsChanges)
        }
        return (Self.listener(address.address(), section), allowsChanges)
    }

    /// One listener or a list of them, each with the place where it stands.
    func listeners() -> [(listener: Listener, position: Position)] {
        oneOrMore().compactMap { field in field.listener().map { ($0, field.position) } }
    }

    private func address() -> Listener.Address? {
        let expected = "an address such as 127.0.0.1:8080, [::1]:8080 or unix:/path/of/socket"
        guard let text = scalar(expected: expected)?.text else { return nil }
        if let address = Listener.Address(text) { return address }
        mistake(expected: expected)
        return nil
    }

    private func certificate() -> Listener.Certificate? {
        guard let section = section(["cert", "key"]) else { return nil }
        let certificatePath = section.required("cert")?.path()
        let keyPath = section.required("key")?.path()
        guard let certificatePath, let keyPath else { return nil }
        return Listener.Certificate(certificatePath: certificatePath, keyPath: keyPath)
    }
}
