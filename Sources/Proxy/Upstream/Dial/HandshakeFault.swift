import NIOCore
import NIOSSL
import Telemetry

/// Says in words why a TLS handshake failed, as far as it can be known.
///
/// BoringSSL tells only that a certificate was not good; what is wrong with it is read from the certificate.
struct HandshakeFault {
    /// What the peer showed, if it came so far.
    let certificate: NIOSSLCertificate?
    /// What the certificate must be for.
    let host: String
    /// Seconds since 1970.
    let time: Int

    func failure(for error: any Error) -> UpstreamFailure {
        if error is NIOSSLExtraError { return .tlsCertificate("its certificate is not for \(host)") }
        guard case .handshakeFailed(let cause)? = error as? NIOSSLError else { return UpstreamFailure(error) }
        let text = String(describing: cause)
        if text.contains("CERTIFICATE_VERIFY_FAILED") { return .tlsCertificate(certificateFault) }
        if text.contains("eofDuring") || text.contains("EOF during") {
            return .tlsProtocol("it closed the connection during the TLS handshake")
        }
        let reason = Self.reason(in: text)
        // Alerts have names such as SSLV3_ALERT_HANDSHAKE_FAILURE.
        if let alert = reason.firstRange(of: "_ALERT_") {
            return .tlsAlert("it ended the TLS handshake with the alert \(reason[alert.upperBound...])")
        }
        switch reason {
        case "WRONG_VERSION_NUMBER", "HTTP_REQUEST":
            return .tlsProtocol("it does not speak TLS at this port")
        case "UNSUPPORTED_PROTOCOL": return .tlsProtocol("it speaks only versions of TLS that are too old")
        default: return .tlsProtocol("the TLS handshake failed (\(reason))")
        }
    }

    private var certificateFault: String {
        if let certificate {
            if Int(certificate.notValidAfter) < time { return "its certificate has expired" }
            if Int(certificate.notValidBefore) > time { return "its certificate is not valid yet" }
        }
        return "its certificate is signed by no authority that is trusted here (`tls: {ca: …}` names another one)"
    }

    /// The name that BoringSSL gives the reason, in the innermost entry of its stack of errors.
    private static func reason(in text: String) -> Substring {
        guard let start = text.firstRange(of: "OPENSSL_internal:")?.upperBound else { return "unknown" }
        return text[start...].prefix { $0.isUppercase || $0.isNumber || $0 == "_" }
    }
}
