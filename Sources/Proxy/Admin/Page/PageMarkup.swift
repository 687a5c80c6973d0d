/// The page of the admin address as HTML. The script fills it; who runs none gets the same as text, of the moment.
enum PageMarkup {
    /// - Parameters:
    ///   - text: what stands now, for browsers without script; escaped here.
    ///   - buttons: whether it shows those that change something.
    static func html(text: String, buttons: Bool) -> String {
        head + "<style>\(PageStyle.text)</style>\n</head>\n" + top + (buttons ? changes : "") + main
            + "<pre>\(HTMLText.escaped(text))</pre>\n</noscript>\n" + foot + "<script>\(PageScript.text)</script>\n"
            + "</body>\n</html>\n"
    }

    private static let head = #"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>Penstock</title>
        <link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E
        %3Crect width='32' height='32' rx='7' fill='%230f5fb8'/%3E%3Cpath d='M5 9h22M5 23h22M12 9v7m8 7v-7'
        stroke='%23fff' stroke-width='3' stroke-linecap='round'/%3E%3C/svg%3E">

        """#

    /// What a person reads first: what this is, and how it goes.
    private static let top = #"""
        <body>
        <header>
        <div class="bar">
        <h1><svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7"/>
        <path d="M5 9h22M5 23h22M12 9v7m8 7v-7"/></svg>Penstock <small id="version"></small></h1>
        <p id="state" role="status"></p>
        </div>
        <p class="lead">Penstock lets each call of your application go when its provider’s limits have room. What does
        not fit yet waits here for a fair turn, so nobody meets a 429 and no tenant takes what others need.</p>
        <p id="now"></p>

        """#

    private static let changes = #"""
        <p class="changes"><button type="button" data-path="reload">Reload configuration</button>
        <button type="button" data-path="drain"
        data-question="Penstock refuses all that wait, lets running requests finish, and ends. Drain?">Drain</button>
        <span id="said" role="status"></span></p>

        """#

    private static let main = #"""
        </header>
        <main id="live" hidden></main>
        <noscript>
        <p class="lead">This browser runs no script, so this is how it was when the page was loaded. Load it again for
        news.</p>

        """#

    private static let foot = #"""
        <footer><p>The same for programs: <a href="status">/status</a>, <a href="metrics">/metrics</a>; in a terminal:
        <code>penstock top</code>. Of each limit and line up to 40 names are shown, those with the most first. The curves
        are the last two minutes.</p></footer>

        """#
}

/// Text inside HTML, between tags or in a quoted attribute.
enum HTMLText {
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
