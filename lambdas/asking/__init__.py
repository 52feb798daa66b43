"""The steps of `POST /price`: a request read, homes priced, a reply written."""
