"""One builder per product; each one models its product on z = 0 in the collection that geo.into() named last."""
