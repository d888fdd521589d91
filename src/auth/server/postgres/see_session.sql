UPDATE pgwarden.browser_session AS s SET seen_us = $2 WHERE s.hash = $1
