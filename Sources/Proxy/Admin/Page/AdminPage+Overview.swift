import Crypto

extension AdminPage {
    /// The page for people.
    static func overview(text: String, allowsChanges: Bool) -> AdminPage {
        var page = AdminPage(
            contentType: "text/html; charset=utf-8",
            body: Array(PageMarkup.html(text: text, buttons: allowsChanges).utf8))
        page.policy = overviewPolicy
        return page
    }

    /// Only this script and this style, known by their hashes, and nothing from elsewhere (Content Security Policy
    /// Level 3, §2.3.1). `require-trusted-types-for` forbids the script to make markup of text.
    private static let overviewPolicy =
        "default-src 'none'; script-src '\(hash(PageScript.text))'; style-src '\(hash(PageStyle.text))'; "
        + "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        + "require-trusted-types-for 'script'"

    private static func hash(_ text: String) -> String {
        "sha256-" + Base64.encode(SHA256.hash(data: Array(text.utf8)))
    }
}
