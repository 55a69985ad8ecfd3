"""The project's Markdown, as pages of the site."""
